-- A step is written with its alert, or with a change of it, in one transaction, which holds the alert's row: looking it up and locking it
-- once more for the foreign key was a fifth of what accepting an alert from elsewhere costs. Steps go with their alert by a trigger
-- (f075_delivery.sql), as notifications do.

ALTER TABLE monitoring_alert_transitions DROP CONSTRAINT monitoring_alert_transitions_alert_id_fkey;
