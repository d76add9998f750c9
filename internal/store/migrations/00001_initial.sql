-- Times are Unix milliseconds. Keys carry their time of making. {{key}} and {{clustered}} are the dialect's words for an integer
-- primary key and for a table kept in the order of its primary key; {{queue}} and {{counter}} end tables whose rows come and go, or change, all the
-- time.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE nodes (
    number       {{key}},
    instance     TEXT   NOT NULL UNIQUE,
    epoch        BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
);

CREATE TABLE apps (
    id            {{key}},
    uid           TEXT,
    name          TEXT   NOT NULL,
    throttle_rate BIGINT NOT NULL,
    metadata      TEXT   NOT NULL,
    bot_name      TEXT   NOT NULL,
    bot_ref       TEXT   NOT NULL,
    company_id    TEXT   NOT NULL,
    version       BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    deleted_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX apps_by_uid ON apps (uid) WHERE deleted_at = 0;
CREATE INDEX apps_by_change ON apps (changed_at);

CREATE TABLE api_keys (
    id         {{key}},
    app_id     BIGINT  NOT NULL,
    hash       TEXT    NOT NULL UNIQUE,
    test       BOOLEAN NOT NULL,
    hint       TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    deleted_at BIGINT  NOT NULL
);
CREATE INDEX api_keys_by_app ON api_keys (app_id, id);

CREATE TABLE senders (
    id           {{key}},
    app_id       BIGINT  NOT NULL,
    name         TEXT    NOT NULL,
    phone_number TEXT    NOT NULL,
    is_default   BOOLEAN NOT NULL,
    responder    BYTEA   NOT NULL,
    created_at   BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL,
    deleted_at   BIGINT  NOT NULL
);
CREATE UNIQUE INDEX senders_by_name ON senders (app_id, name) WHERE deleted_at = 0;

CREATE TABLE routes (
    id          {{key}},
    app_id      BIGINT NOT NULL,
    sender_id   BIGINT NOT NULL,
    channel     TEXT   NOT NULL,
    provider    TEXT   NOT NULL,
    account     TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    credentials BYTEA  NOT NULL,
    deleted_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX routes_by_address ON routes (provider, account, channel, address) WHERE deleted_at = 0 AND account <> '' AND address <> '';
CREATE INDEX routes_by_sender ON routes (sender_id);

CREATE TABLE endpoints (
    id                {{key}},
    app_id            BIGINT  NOT NULL,
    sender_id         BIGINT  NOT NULL,
    profile           TEXT    NOT NULL,
    uid               TEXT,
    url               TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    disabled          BOOLEAN NOT NULL,
    disabled_by       TEXT    NOT NULL,
    event_types       TEXT,
    tags              TEXT,
    metadata          TEXT    NOT NULL,
    throttle_rate     BIGINT  NOT NULL,
    version           BIGINT  NOT NULL,
    signature_version TEXT    NOT NULL,
    sealed            BYTEA   NOT NULL,
    fail_since        BIGINT  NOT NULL,
    last_ok           BIGINT  NOT NULL,
    canceled_upto     BIGINT  NOT NULL,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    deleted_at        BIGINT  NOT NULL
);
CREATE UNIQUE INDEX endpoints_by_uid ON endpoints (app_id, uid) WHERE deleted_at = 0;
CREATE INDEX endpoints_by_app ON endpoints (app_id, id);

CREATE TABLE events (
    id      {{key}},
    app_id  BIGINT NOT NULL,
    type    TEXT   NOT NULL,
    uid     TEXT   NOT NULL,
    tags    TEXT   NOT NULL,
    payload BYTEA  NOT NULL,
    targets BYTEA  NOT NULL,
    expired BOOLEAN NOT NULL
);
CREATE INDEX events_by_app ON events (app_id, id);

CREATE TABLE deliveries (
    subject    BIGINT   NOT NULL,
    target     BIGINT   NOT NULL,
    kind       SMALLINT NOT NULL,
    app_id     BIGINT   NOT NULL,
    state      SMALLINT NOT NULL,
    owner      BIGINT   NOT NULL,
    next_at    BIGINT   NOT NULL,
    tries      BIGINT   NOT NULL,
    claim_no   BIGINT   NOT NULL,
    manual     BOOLEAN  NOT NULL,
    restore    SMALLINT NOT NULL,
    due_at     BIGINT   NOT NULL,
    started_at BIGINT   NOT NULL,
    PRIMARY KEY (subject, target, kind)
) {{queue}};
CREATE INDEX deliveries_leased ON deliveries (next_at) WHERE owner <> 0;
CREATE INDEX deliveries_waiting ON deliveries (kind, target, next_at) WHERE owner = 0 AND state = 0;
CREATE INDEX deliveries_tried ON deliveries (target, subject) WHERE tries > 0 OR state <> 0;

CREATE TABLE attempts (
    id          {{key}},
    app_id      BIGINT   NOT NULL,
    event_id    BIGINT   NOT NULL,
    endpoint_id BIGINT   NOT NULL,
    url         TEXT     NOT NULL,
    ok          BOOLEAN  NOT NULL,
    code        BIGINT   NOT NULL,
    failure     TEXT     NOT NULL,
    answer      BYTEA    NOT NULL,
    headers     BYTEA    NOT NULL,
    expired     BOOLEAN  NOT NULL,
    manual      BOOLEAN  NOT NULL,
    dns_us      BIGINT   NOT NULL,
    connect_us  BIGINT   NOT NULL,
    tls_us      BIGINT   NOT NULL,
    wait_us     BIGINT   NOT NULL,
    total_us    BIGINT   NOT NULL
);
CREATE INDEX attempts_by_endpoint ON attempts (endpoint_id, id);
CREATE INDEX attempts_by_event ON attempts (event_id);
CREATE INDEX attempts_failed ON attempts (endpoint_id, id) WHERE NOT ok;

CREATE TABLE counters (
    endpoint_id BIGINT NOT NULL,
    hour        BIGINT NOT NULL,
    node        BIGINT NOT NULL,
    ok          BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    PRIMARY KEY (endpoint_id, hour, node)
) {{counter}};
CREATE INDEX counters_by_hour ON counters (hour);

CREATE TABLE once (
    bucket BIGINT NOT NULL,
    hash   BYTEA  NOT NULL,
    ref    BIGINT NOT NULL,
    PRIMARY KEY (bucket, hash)
) {{clustered}};

CREATE TABLE contacts (
    id         {{key}},
    app_id     BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    metadata   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX contacts_by_app ON contacts (app_id, id);

CREATE TABLE identifiers (
    app_id          BIGINT NOT NULL,
    channel         TEXT   NOT NULL,
    value           TEXT   NOT NULL,
    contact_id      BIGINT NOT NULL,
    last_inbound_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, channel, value)
);
CREATE INDEX identifiers_by_contact ON identifiers (contact_id);

CREATE TABLE conversations (
    id              {{key}},
    app_id          BIGINT  NOT NULL,
    sender_id       BIGINT  NOT NULL,
    contact_id      BIGINT  NOT NULL,
    handover        BOOLEAN NOT NULL,
    last_inbound_at BIGINT  NOT NULL,
    inbound         BIGINT  NOT NULL,
    messages        BIGINT  NOT NULL,
    unread          BIGINT  NOT NULL,
    last_message    BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);
CREATE UNIQUE INDEX conversations_by_parties ON conversations (sender_id, contact_id);
CREATE INDEX conversations_by_app ON conversations (app_id, id);

CREATE TABLE messages (
    id              {{key}},
    app_id          BIGINT NOT NULL,
    sender_id       BIGINT NOT NULL,
    route_id        BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    contact_id      BIGINT NOT NULL,
    direction       TEXT   NOT NULL,
    channel         TEXT   NOT NULL,
    type            TEXT   NOT NULL,
    status          TEXT   NOT NULL,
    from_address    TEXT   NOT NULL,
    to_address      TEXT   NOT NULL,
    body            TEXT   NOT NULL,
    content         BYTEA  NOT NULL,
    metadata        TEXT   NOT NULL,
    provider_id     TEXT   NOT NULL,
    provider_at     BIGINT NOT NULL,
    profile_name    TEXT   NOT NULL,
    in_reply_to     BIGINT NOT NULL,
    error_code      TEXT   NOT NULL,
    error_text      TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX messages_by_app ON messages (app_id, id);
CREATE INDEX messages_by_conversation ON messages (conversation_id, id);
CREATE INDEX messages_by_provider_id ON messages (provider_id) WHERE provider_id <> '';

CREATE TABLE receipts (
    id          {{key}},
    app_id      BIGINT NOT NULL,
    route_id    BIGINT NOT NULL,
    message_id  BIGINT NOT NULL,
    provider_id TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    error_code  TEXT   NOT NULL,
    error_text  TEXT   NOT NULL
);
CREATE INDEX receipts_by_message ON receipts (message_id, id);
CREATE INDEX receipts_by_provider_id ON receipts (provider_id) WHERE message_id = 0;

CREATE TABLE strays (
    id       {{key}},
    provider TEXT  NOT NULL,
    door     TEXT  NOT NULL,
    reason   TEXT  NOT NULL,
    body     BYTEA NOT NULL
);

CREATE TABLE bins (
    token      TEXT   PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sealed     BYTEA  NOT NULL
);
CREATE INDEX bins_by_expiry ON bins (expires_at);

CREATE TABLE bin_requests (
    id      {{key}},
    token   TEXT   NOT NULL,
    method  TEXT   NOT NULL,
    uri     TEXT   NOT NULL,
    remote  TEXT   NOT NULL,
    headers BYTEA  NOT NULL,
    body    BYTEA  NOT NULL,
    size    BIGINT NOT NULL
);
CREATE INDEX bin_requests_by_token ON bin_requests (token, id);
