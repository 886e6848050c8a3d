ALTER TABLE monitoring_silences
    ADD COLUMN updated_at timestamptz;                        -- null: it is as it was made
COMMENT ON COLUMN monitoring_silences.updated_at IS 'When it was last changed or ended: what Alertmanager''s viewers go by.';
