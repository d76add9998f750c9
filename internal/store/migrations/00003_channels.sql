-- What channels other than WhatsApp need.

-- What a sender says in calls and USSD sessions, as JSON; '' for nothing of its own.
ALTER TABLE senders ADD COLUMN dialogue TEXT NOT NULL DEFAULT '';

-- A USSD session or a call. contact_id, conversation_id: 0 until the person has been answered. rest: of an answer that is shown in pages. state: the responder's.
-- lease_until: until when the step that runs now has time, 0: none runs; node: whose it is.
CREATE TABLE dialogues (
    id              {{key}},
    app_id          BIGINT NOT NULL,
    sender_id       BIGINT NOT NULL,
    route_id        BIGINT NOT NULL,
    contact_id      BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    channel         TEXT   NOT NULL,
    session         TEXT   NOT NULL,
    direction       TEXT   NOT NULL,
    from_address    TEXT   NOT NULL,
    to_address      TEXT   NOT NULL,
    status          TEXT   NOT NULL,
    entered         TEXT   NOT NULL,
    steps           BIGINT NOT NULL,
    asked           BIGINT NOT NULL,
    silences        BIGINT NOT NULL,
    rest            TEXT   NOT NULL,
    state           TEXT   NOT NULL,
    seen_at         BIGINT NOT NULL,
    lease_until     BIGINT NOT NULL,
    node            BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    ended_at        BIGINT NOT NULL
) {{counter}};
CREATE UNIQUE INDEX dialogues_by_session ON dialogues (route_id, session);
CREATE INDEX dialogues_open ON dialogues (channel, seen_at) WHERE ended_at = 0;

-- One request of a dialogue, known by a hash of what the provider tells of it, and what was answered. message_id: the message it was, 0 for none.
CREATE TABLE dialogue_steps (
    dialogue_id BIGINT  NOT NULL,
    hash        BYTEA   NOT NULL,
    number      BIGINT  NOT NULL,
    message_id  BIGINT  NOT NULL,
    input       TEXT    NOT NULL,
    answered    BOOLEAN NOT NULL,
    reply       TEXT    NOT NULL,
    ends        BOOLEAN NOT NULL,
    dial        TEXT    NOT NULL,
    turn        BIGINT  NOT NULL,
    PRIMARY KEY (dialogue_id, hash)
);

-- What a person has changed of a message, or taken back, and what it read before.
ALTER TABLE messages ADD COLUMN edited_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;
CREATE TABLE message_versions (
    id         {{key}},
    app_id     BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    until_at   BIGINT NOT NULL
);
CREATE INDEX message_versions_by_message ON message_versions (message_id, id);

-- When a person asked for no more messages there; 0: they have not. opted_out_by: the message that said so, 0: they told the provider.
ALTER TABLE identifiers ADD COLUMN opted_out_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identifiers ADD COLUMN opted_out_by BIGINT NOT NULL DEFAULT 0;

-- How many answers of the responder in a row have solved nothing, and what it wants to be reminded of.
ALTER TABLE conversations ADD COLUMN unsolved BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN turn_state TEXT NOT NULL DEFAULT '';

-- A text that is too long for one message of its channel goes out in parts, each of which the provider knows by an id of its own. parts: how many; 0: it went in one piece.
-- accepted: the provider has taken the part. begun_at: when its last send began, 0: none has.
ALTER TABLE messages ADD COLUMN parts BIGINT NOT NULL DEFAULT 0;
CREATE TABLE message_parts (
    message_id  BIGINT  NOT NULL,
    number      BIGINT  NOT NULL,
    app_id      BIGINT  NOT NULL,
    route_id    BIGINT  NOT NULL,
    body        TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    accepted    BOOLEAN NOT NULL,
    provider_id TEXT    NOT NULL,
    error_code  TEXT    NOT NULL,
    error_text  TEXT    NOT NULL,
    begun_at    BIGINT  NOT NULL,
    PRIMARY KEY (message_id, number)
);
CREATE INDEX message_parts_by_provider_id ON message_parts (provider_id) WHERE provider_id <> '';

-- How often may be sent over the route, such as 80/s; '' for what is usual at its provider.
ALTER TABLE routes ADD COLUMN rate TEXT NOT NULL DEFAULT '';

-- Answers to what was written in public, which a person looks at before they go out. message_id: what they answer. answer_id: the message that was made of one, 0: none yet.
ALTER TABLE messages ADD COLUMN review BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE drafts (
    id              {{key}},
    app_id          BIGINT NOT NULL,
    sender_id       BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    message_id      BIGINT NOT NULL,
    answer_id       BIGINT NOT NULL,
    post_id         TEXT   NOT NULL,
    author          TEXT   NOT NULL,
    post_text       TEXT   NOT NULL,
    reply           TEXT   NOT NULL,
    status          TEXT   NOT NULL,
    failure         TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX drafts_by_app ON drafts (app_id, id);
CREATE INDEX drafts_by_status ON drafts (app_id, status, id);
CREATE INDEX drafts_by_answer ON drafts (answer_id) WHERE answer_id <> 0;
