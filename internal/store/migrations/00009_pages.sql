-- What pages keep.

-- A session of a browser is a token too. agent: what the browser says it is.
ALTER TABLE tokens ADD COLUMN agent TEXT NOT NULL DEFAULT '';

-- How an App's portal looks, and who may frame it, as JSON.
CREATE TABLE app_portals (
    app_id   {{key}},
    settings TEXT NOT NULL
) {{counter}};

-- The first steps that an App has taken, where nothing else tells.
CREATE TABLE app_steps (
    app_id  BIGINT NOT NULL,
    step    TEXT   NOT NULL,
    done_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, step)
) {{clustered}};

-- Endpoints that need a look.
CREATE INDEX endpoints_failing ON endpoints (fail_since) WHERE fail_since > 0;
