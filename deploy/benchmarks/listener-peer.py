"""The seed's design as a peer of the listener: FastAPI, psycopg, and a question to the database for each request."""
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

pool = AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=8, max_size=8, open=False, kwargs={"row_factory": dict_row})


@asynccontextmanager
async def lifespan(app):
    await pool.open()
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/api/monitor/summary")
async def summary(window: str = "7d"):
    days = int(window.rstrip("d"))
    async with pool.connection() as connection:
        totals = await (await connection.execute(
            """SELECT count(*) AS days, sum(total_events) AS total_events, sum(fallback_events)::float8 / sum(total_events) AS fallback_rate,
                      sum(failed_events)::float8 / sum(total_events) AS error_rate, avg(health_score)::float8 AS health_score
               FROM monitoring_metrics WHERE metric_hour IS NULL AND metric_date >= current_date - %s::integer""", (days,))).fetchone()
        latest = await (await connection.execute(
            "SELECT * FROM monitoring_metrics WHERE metric_hour IS NULL ORDER BY metric_date DESC LIMIT 1")).fetchone()
        baseline = await (await connection.execute("SELECT * FROM monitoring_baseline LIMIT 1")).fetchone()
        counts = await (await connection.execute(
            "SELECT severity, count(*) FROM monitoring_alerts WHERE status = 'open' GROUP BY severity")).fetchall()
        recent = await (await connection.execute("SELECT * FROM monitoring_alerts ORDER BY opened_at DESC LIMIT 5")).fetchall()
    return {"metrics": {**totals, "latest": latest}, "baseline": baseline, "alerts": {"by_severity": counts, "recent": recent}}


@app.get("/api/monitor/alerts")
async def alerts(status: str = "open", limit: int = 50):
    async with pool.connection() as connection:
        rows = await (await connection.execute(
            "SELECT * FROM monitoring_alerts WHERE status = %s ORDER BY opened_at DESC LIMIT %s", (status, limit))).fetchall()
        total = await (await connection.execute("SELECT count(*) FROM monitoring_alerts WHERE status = %s", (status,))).fetchone()
    return {"alerts": rows, "total_count": total["count"]}
