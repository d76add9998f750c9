-- Templates, and invitations to connect an account.

-- definition: what the template says, as JSON. sender_id: what it was submitted with, 0 for nothing. provider_…: what a provider knows it as, '' until it does.
CREATE TABLE templates (
    id                 {{key}},
    app_id             BIGINT NOT NULL,
    name               TEXT   NOT NULL,
    language           TEXT   NOT NULL,
    body               TEXT   NOT NULL,
    category           TEXT   NOT NULL,
    status             TEXT   NOT NULL,
    definition         TEXT   NOT NULL,
    sender_id          BIGINT NOT NULL,
    provider_account   TEXT   NOT NULL,
    provider_id        TEXT   NOT NULL,
    provider_name      TEXT   NOT NULL,
    provider_namespace TEXT   NOT NULL,
    provider_status    TEXT   NOT NULL,
    rejection_reason   TEXT   NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
CREATE INDEX templates_by_app ON templates (app_id, id);
CREATE INDEX templates_by_name ON templates (app_id, name);
CREATE INDEX templates_by_provider_id ON templates (provider_id, app_id) WHERE provider_id <> '';

-- token_hash: what an invitation is found by; token: its text, encrypted. sender_id: what was connected, 0 for nothing yet. account: what the provider tells of it, as JSON. countries: a list as
-- JSON, NULL for any. ended: nothing changes any more.
CREATE TABLE invitations (
    id              {{key}},
    app_id          BIGINT  NOT NULL,
    token_hash      TEXT    NOT NULL,
    token           BYTEA   NOT NULL,
    connection_type TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    client_name     TEXT    NOT NULL,
    client_email    TEXT    NOT NULL,
    client_phone    TEXT    NOT NULL,
    countries       TEXT,
    phone_number_id TEXT    NOT NULL,
    sender_id       BIGINT  NOT NULL,
    account         TEXT    NOT NULL,
    failure_reason  TEXT    NOT NULL,
    ended           BOOLEAN NOT NULL,
    viewed_at       BIGINT  NOT NULL,
    started_at      BIGINT  NOT NULL,
    completed_at    BIGINT  NOT NULL,
    failed_at       BIGINT  NOT NULL,
    expires_at      BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);
CREATE UNIQUE INDEX invitations_by_token ON invitations (token_hash);
CREATE INDEX invitations_by_app ON invitations (app_id, id);
CREATE INDEX invitations_by_status ON invitations (app_id, status, id);
CREATE INDEX invitations_open ON invitations (expires_at) WHERE ended = FALSE;

-- A project has a webhook of its own, in the place of a sender whose id is -1.
DROP INDEX endpoints_by_sender;
CREATE UNIQUE INDEX endpoints_by_sender ON endpoints (app_id, sender_id) WHERE sender_id <> 0 AND deleted_at = 0;
