"""PORT PID CLIENTS RUNS ALERT DATABASE: the clients of deploy/benchmarks/streams, on one thread, and what they see."""
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time

port, pid, clients, runs, alert, database = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], sys.argv[6]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resident():
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def connect(request):
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(request)
    return connection


def ask(path):
    connection = connect(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while part := connection.recv(65536):
        answer += part
    connection.close()
    return answer


def serve_times(n):
    times = []
    for _ in range(n):
        began = time.monotonic()
        assert ask("/api/monitor/alerts?limit=5").startswith(b"HTTP/1.1 200"), "the listener does not answer"
        times.append((time.monotonic() - began) * 1000)
    return f"median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms"


def wait_for(selector, sought, n, seconds):
    """When each of n clients had `sought`; nothing is expected after it."""
    seen, tails, end = {}, {}, time.monotonic() + seconds
    while len(seen) < n and time.monotonic() < end:
        for key, _ in selector.select(0.2):
            part = key.fileobj.recv(65536)
            if not part:
                sys.exit("a client was closed")
            text = tails.get(key.data, b"") + part
            if sought in text and key.data not in seen:
                seen[key.data] = time.time()
                text = b""
            tails[key.data] = text[-64:]
    if len(seen) < n:
        sys.exit(f"only {len(seen)} of {n} clients had {sought!r} within {seconds} s")
    return max(seen.values())


for _ in range(100):
    try:
        if ask("/ready").startswith(b"HTTP/1.1 200"):
            break
    except OSError:
        pass
    time.sleep(0.1)
print(f"alone: {serve_times(100)}; resident {resident():.0f} MB")

selector, connections, began = selectors.DefaultSelector(), [], time.monotonic()
for number in range(clients):
    connection = connect(b"GET /api/monitor/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ, number)
    connections.append(connection)
wait_for(selector, b": from here on", clients, 120)
print(f"{clients} follow after {time.monotonic() - began:.1f} s; resident {resident():.0f} MB   (must be < 300)")
latencies = []
for run in range(runs):
    action = "acknowledge" if run % 2 == 0 else "unacknowledge"
    committed = float(
        subprocess.run(
            ["psql", database, "-XqAt", "-c", f"SELECT FROM monitoring_act_on_alert('{alert}', '{action}', 'benchmark')",
             "-c", "SELECT extract(epoch FROM clock_timestamp())"],
            check=True, capture_output=True, text=True).stdout.split()[-1])
    latencies.append(max(0.0, wait_for(selector, b"event: transition", clients, 60) - committed))
print(f"a transition has reached all of {clients}, n {runs}: median {statistics.median(latencies):.2f} s, worst {max(latencies):.2f} s   (must be < 1)")
print(f"beside them: {serve_times(100)}; resident {resident():.0f} MB")
for connection in connections:
    connection.close()

time.sleep(2)
began = time.monotonic()
half = [connect(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ") for _ in range(clients)]
print(f"{clients} half open after {time.monotonic() - began:.1f} s; beside them: {serve_times(100)}")
time.sleep(12)
closed = 0
for connection in half:
    connection.setblocking(False)
    try:
        closed += connection.recv(1) == b""
    except BlockingIOError:
        pass
    except OSError:
        closed += 1
print(f"12 s later the listener has closed {closed} of them")
