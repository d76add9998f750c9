-- What the operator's dashboard shows.

-- What has come to the doors, of each kind the last: whose it was, what became of it, and why it was refused. sender_id 0: the door does not say whose.
CREATE TABLE door_notes (
    sender_id BIGINT NOT NULL,
    channel   TEXT   NOT NULL,
    provider  TEXT   NOT NULL,
    result    TEXT   NOT NULL,
    door      TEXT   NOT NULL,
    cause     TEXT   NOT NULL,
    seen      BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (sender_id, channel, provider, result)
) {{clustered}};

-- USSD sessions and calls of an App, and the steps of one in their order.
CREATE INDEX dialogues_by_app ON dialogues (app_id, id);
CREATE INDEX dialogues_by_conversation ON dialogues (conversation_id, id) WHERE conversation_id > 0;

-- Attempts that failed, of all Apps.
CREATE INDEX attempts_not_ok ON attempts (id) WHERE NOT ok;

-- Conversations that a person has taken over.
CREATE INDEX conversations_handed ON conversations (app_id, last_message) WHERE handover;
