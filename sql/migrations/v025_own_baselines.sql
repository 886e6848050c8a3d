-- A fast model may become much slower and stay under what is slow for all.
ALTER TABLE monitoring_baseline_slices ADD COLUMN latency_factor double precision CHECK (latency_factor > 0);
COMMENT ON COLUMN monitoring_baseline_slices.latency_factor IS
    'Of latency_p95 and a model: its own p95 as a multiple of the profile''s at the same hours; null where it has too few events to tell.';
COMMENT ON COLUMN monitoring_baseline_slices.bad_events IS
    'Of total_events; for latency those above the profile''s p95 of their hour of day times the latency_factor of their model.';
-- By night other models may answer than by day.
ALTER TABLE monitoring_baseline_slices ADD COLUMN events_by_hour double precision[];
COMMENT ON COLUMN monitoring_baseline_slices.events_by_hour IS 'Of model_mix: total_events by hour of day, 24 numbers from hour 0; else null.';
COMMENT ON COLUMN monitoring_baseline_slices.clustering IS
    'Of model_mix: how much the mixes of hours scatter about those of their days, or of the same hours of other days, chance alone giving 1; else 1.';
DELETE FROM monitoring_baseline_profile;
DELETE FROM monitoring_baseline_slices;
DROP FUNCTION IF EXISTS monitoring_slice_hours(timestamptz, timestamptz, double precision[]);
DROP FUNCTION IF EXISTS monitoring_slice_stretch(timestamptz, timestamptz, double precision[], boolean);
