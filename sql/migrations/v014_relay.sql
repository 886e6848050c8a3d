-- Alerts from elsewhere live among the monitor's own: the same table, the same steps.

ALTER TABLE monitoring_alerts
    ADD COLUMN origin        text,                            -- who brought it: 'alertmanager', or the name of a relay; null: found here
    ADD COLUMN labels        jsonb,                           -- {"alertname": "HighLatency", …}: what it is, and all that its fingerprint is of
    ADD COLUMN annotations   jsonb,                           -- what its source says about it
    ADD COLUMN generator_url text,                            -- where its source shows it
    ADD CHECK ((origin IS NULL) = (labels IS NULL));
COMMENT ON COLUMN monitoring_alerts.origin IS
    'Of an alert from elsewhere, who brought it: alertmanager for the API of that name, or the name of a relay. Evaluations leave it alone.';

-- Written with the row, not gathered first: whoever asks is answered at once, however many have just come.
CREATE INDEX monitoring_alerts_by_labels ON monitoring_alerts USING gin (labels jsonb_path_ops) WITH (fastupdate = off)
    WHERE labels IS NOT NULL AND status <> 'resolved';
-- What was found here, beside however many from elsewhere.
CREATE INDEX monitoring_alerts_of_ours ON monitoring_alerts (opened_at) WHERE labels IS NULL AND status <> 'resolved';

-- Narrow, with room on each page: that an alert is seen again writes to no index.
CREATE TABLE monitoring_relayed_alerts (
    fingerprint  text COLLATE "C" PRIMARY KEY,
    alert_id     uuid NOT NULL,                               -- it may be resolved by a person while its source goes on
    content      text COLLATE "C" NOT NULL,                        -- digest of annotations and generator_url
    started_at   timestamptz NOT NULL,                        -- as its source says
    last_seen_at timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL                         -- it is over then, unless it is seen again; infinity: when its source says so
) WITH (fillfactor = 60);
COMMENT ON TABLE monitoring_relayed_alerts IS
    'What sources elsewhere say is the matter now. A row goes when its source says that it is over, or says nothing any more.';

ALTER TABLE monitoring_alert_transitions
    DROP CONSTRAINT monitoring_alert_transitions_withheld_check,
    ADD CONSTRAINT monitoring_alert_transitions_withheld_check CHECK (withheld IN ('snoozed', 'silenced', 'muted', 'inhibited'));

ALTER TABLE monitoring_notifications
    DROP CONSTRAINT monitoring_notifications_cause_check,
    ADD CONSTRAINT monitoring_notifications_cause_check CHECK (
        cause IN ('transition', 'repeat', 'escalation_step', 'silence_ended', 'snooze_ended', 'mute_ended', 'inhibition_ended', 'fallback',
                  'test'));
