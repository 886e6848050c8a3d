-- Events of one session are of one model mostly: of so many fewer independent ones a mix is made.
ALTER TABLE monitoring_baseline_slices ADD COLUMN clustering double precision NOT NULL DEFAULT 1;
COMMENT ON COLUMN monitoring_baseline_slices.clustering IS
    'Of model_mix: how much the mixes of hours scatter about those of their days, chance alone giving 1; else 1.';
