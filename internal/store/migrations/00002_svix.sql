-- What the Svix-shaped API keeps besides apps, endpoints, events and attempts.

-- A label filters lists, never deliveries. deliver_at, expires_at: 0 for none. content_type: '' for JSON.
ALTER TABLE events ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN deliver_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN content_type TEXT NOT NULL DEFAULT '';
CREATE INDEX events_expiring ON events (expires_at) WHERE expires_at > 0;
CREATE INDEX events_deferred ON events (app_id, deliver_at, id) WHERE deliver_at > 0;

-- An ordered endpoint gets one event at a time, in the order of positions. They are taken under the lock of a row of their own: the endpoint's is changed by others too.
ALTER TABLE endpoints ADD COLUMN ordered BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE positions (
    endpoint_id {{key}},
    last        BIGINT NOT NULL
) {{counter}};
ALTER TABLE deliveries ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_ordered ON deliveries (target, position) WHERE position > 0 AND state = 0;

-- What nodes hold of targets that get one thing at a time, beside the many webhooks that they hold.
CREATE INDEX deliveries_held ON deliveries (target) WHERE owner <> 0 AND kind IN (2, 3, 4);

-- The task that asked for a try; negative: and for which the row was inserted; 0: none.
ALTER TABLE deliveries ADD COLUMN task BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_of_task ON deliveries (task) WHERE task <> 0;

-- The catalogue is listed by name, in the order of bytes on both databases.
CREATE TABLE event_types (
    id            {{key}},
    name          TEXT    {{bytewise}} NOT NULL UNIQUE,
    description   TEXT    NOT NULL,
    archived      BOOLEAN NOT NULL,
    deprecated    BOOLEAN NOT NULL,
    schemas       BYTEA   NOT NULL,
    feature_flags TEXT    NOT NULL,
    group_name    TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);

-- sealed: the text of a token that may have to be shown again; at forget_at it is dropped, 0: never. Of ref, scope and until_at see Token.
CREATE TABLE tokens (
    id            {{key}},
    app_id        BIGINT  NOT NULL,
    kind          TEXT    NOT NULL,
    ref           BIGINT  NOT NULL,
    scope         TEXT    NOT NULL,
    hash          TEXT    NOT NULL UNIQUE,
    feature_flags TEXT    NOT NULL,
    capabilities  TEXT    NOT NULL,
    sealed        BYTEA   NOT NULL,
    forget_at     BIGINT  NOT NULL,
    until_at      BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    created_at    BIGINT  NOT NULL
);
CREATE INDEX tokens_by_app ON tokens (app_id, kind, scope, ref);
CREATE INDEX tokens_by_expiry ON tokens (expires_at) WHERE expires_at > 0;
CREATE INDEX tokens_to_forget ON tokens (forget_at) WHERE forget_at > 0;

CREATE TABLE integrations (
    id            {{key}},
    app_id        BIGINT NOT NULL,
    name          TEXT   NOT NULL,
    feature_flags TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX integrations_by_app ON integrations (app_id, id);

-- Whoever reads events by polling, and how far each consumer has come: behind the event place, whose turn came at place_at. epoch counts how often it was
-- set somewhere else. taken is how many it has committed one by one, handed the places behind those that it was given, until leased_until.
CREATE TABLE pollers (
    id         {{key}},
    app_id     BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX pollers_by_name ON pollers (app_id, name);

CREATE TABLE consumers (
    poller_id    BIGINT NOT NULL,
    name         TEXT   NOT NULL,
    place        BIGINT NOT NULL,
    place_at     BIGINT NOT NULL,
    epoch        BIGINT NOT NULL,
    taken        BIGINT NOT NULL,
    handed       BYTEA  NOT NULL,
    leased_until BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (poller_id, name)
) {{counter}};

-- Work in steps. total: -1 while it is being counted. place: where the next step begins.
CREATE TABLE tasks (
    id          {{key}},
    app_id      BIGINT  NOT NULL,
    endpoint_id BIGINT  NOT NULL,
    kind        TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    canceled    BOOLEAN NOT NULL,
    params      BYTEA   NOT NULL,
    result      BYTEA   NOT NULL,
    error       TEXT    NOT NULL,
    total       BIGINT  NOT NULL,
    counted     BIGINT  NOT NULL,
    done        BIGINT  NOT NULL,
    skipped     BIGINT  NOT NULL,
    place       BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL
);
CREATE INDEX tasks_by_app ON tasks (app_id, id);

-- Answers to requests that may be made again: sealed, because some hold secrets.
CREATE TABLE answers (
    bucket BIGINT NOT NULL,
    hash   BYTEA  NOT NULL,
    status BIGINT NOT NULL,
    sealed BYTEA  NOT NULL,
    PRIMARY KEY (bucket, hash)
) {{clustered}};
