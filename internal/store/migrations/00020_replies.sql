-- What responders do, where they are silent, and which screens of a flow people saw.

-- silenced: the channels on which the sender's responder says nothing.
ALTER TABLE senders ADD COLUMN silenced TEXT;

-- screen: the place in a flow that the answer to the step shows; empty: it is none of a flow.
ALTER TABLE dialogue_steps ADD COLUMN screen TEXT NOT NULL DEFAULT '';

-- One time that a responder was asked for an answer. sender_id: whom the person wrote to. message_id: what it answered; dialogue_id: the session or call, 0: none. try: 1 for the first.
-- tokens_in, tokens_out: as the model's server counts them, 0 where it does not tell. problem: why there is no answer.
CREATE TABLE replies (
    id              {{key}},
    app_id          BIGINT  NOT NULL,
    sender_id       BIGINT  NOT NULL,
    conversation_id BIGINT  NOT NULL,
    message_id      BIGINT  NOT NULL,
    dialogue_id     BIGINT  NOT NULL,
    channel         TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    result          TEXT    NOT NULL,
    try             BIGINT  NOT NULL,
    took_ms         BIGINT  NOT NULL,
    tokens_in       BIGINT  NOT NULL,
    tokens_out      BIGINT  NOT NULL,
    problem         TEXT    NOT NULL
) {{clustered}};
CREATE INDEX replies_of_app ON replies (app_id, id);
CREATE INDEX replies_of_sender ON replies (sender_id, id);
