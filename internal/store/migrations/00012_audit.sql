-- Who did what to an App.
CREATE TABLE activities (
    id          {{key}},
    app_id      BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    actor_ref   BIGINT NOT NULL,
    action      TEXT   NOT NULL,
    endpoint_id BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    details     TEXT   NOT NULL
) {{clustered}};
CREATE INDEX activities_of_app ON activities (app_id, id);
