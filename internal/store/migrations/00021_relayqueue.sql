-- What bins have still to send on. It outlives a restart.

-- id: of the request. target: where to. how: empty for what is forwarded as it arrives, replay for what a person sends again, resign for the same with a new signature.
-- due: when it may be sent; while a node is sending it, when another one may try.
CREATE TABLE bin_relays (
    id     BIGINT PRIMARY KEY,
    token  TEXT   NOT NULL,
    target TEXT   NOT NULL,
    how    TEXT   NOT NULL,
    due    BIGINT NOT NULL
);
CREATE INDEX bin_relays_by_token ON bin_relays (token, id);
