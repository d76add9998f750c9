-- What the Travtus-shaped API keeps.

-- Programs that get tokens by client credentials. hash: of the secret.
CREATE TABLE clients (
    id         {{key}},
    app_id     BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    hint       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL
);
CREATE INDEX clients_by_app ON clients (app_id, id);

-- Communities and portfolios that messages belong to. configured: by an operator; the others were named by messages. external_ref: '' for none.
CREATE TABLE message_groups (
    id           {{key}},
    app_id       BIGINT  NOT NULL,
    uuid         TEXT    NOT NULL,
    external_ref TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    configured   BOOLEAN NOT NULL,
    created_at   BIGINT  NOT NULL
);
CREATE UNIQUE INDEX message_groups_by_uuid ON message_groups (uuid, app_id);
CREATE UNIQUE INDEX message_groups_by_ref ON message_groups (app_id, external_ref) WHERE external_ref <> '';
CREATE INDEX message_groups_by_app ON message_groups (app_id, id);

-- What was posted, under the id of the message that it is. conversation_ref: the caller's name for the conversation. conversation_id: 0 for a review. answered: an event has
-- told of an answer.
CREATE TABLE postings (
    id               {{key}},
    app_id           BIGINT  NOT NULL,
    request_id       TEXT    NOT NULL,
    channel          TEXT    NOT NULL,
    message_ref      TEXT    NOT NULL,
    conversation_ref TEXT    NOT NULL,
    conversation_id  BIGINT  NOT NULL,
    group_id         BIGINT  NOT NULL,
    answered         BOOLEAN NOT NULL,
    body             BYTEA   NOT NULL
);
CREATE INDEX postings_by_conversation ON postings (conversation_id, id) WHERE conversation_id <> 0;

-- Which sender answers what is posted.
CREATE INDEX routes_by_provider ON routes (app_id, provider) WHERE deleted_at = 0;

-- A sender and a person have one conversation, and one more for each thread that somebody else tells apart. thread: that one's name for it; '' for ours.
ALTER TABLE conversations ADD COLUMN thread TEXT NOT NULL DEFAULT '';
DROP INDEX conversations_by_parties;
CREATE UNIQUE INDEX conversations_by_parties ON conversations (sender_id, contact_id, thread);
CREATE UNIQUE INDEX conversations_by_thread ON conversations (sender_id, thread) WHERE thread <> '';
