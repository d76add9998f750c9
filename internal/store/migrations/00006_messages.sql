-- What the Zavu-shaped API keeps of messages, contacts and conversations.

-- test: only simulated. fallback: goes out by SMS when it cannot be brought on WhatsApp.
ALTER TABLE messages ADD COLUMN test BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE messages ADD COLUMN fallback BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX messages_by_status ON messages (app_id, channel, status, id);
CREATE INDEX messages_by_recipient ON messages (app_id, to_address, id);

-- Files of mails. The bytes lie apart: they are dropped before their description.
CREATE TABLE attachments (
    id         {{key}},
    app_id     BIGINT  NOT NULL,
    message_id BIGINT  NOT NULL,
    name       TEXT    NOT NULL,
    mime_type  TEXT    NOT NULL,
    content_id TEXT    NOT NULL,
    is_inline  BOOLEAN NOT NULL,
    size       BIGINT  NOT NULL
);
CREATE INDEX attachments_by_message ON attachments (message_id, id);
CREATE TABLE attachment_data (
    id    {{key}},
    bytes BYTEA NOT NULL
);

-- display_name: as the App calls them. default_channel: '' for no preference.
ALTER TABLE contacts ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN default_channel TEXT NOT NULL DEFAULT '';

-- id: unique among those of the contact.
ALTER TABLE identifiers ADD COLUMN id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identifiers ADD COLUMN is_primary BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE identifiers ADD COLUMN verified BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE identifiers ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE identifiers ADD COLUMN country_code TEXT NOT NULL DEFAULT '';
ALTER TABLE identifiers ADD COLUMN metadata TEXT NOT NULL DEFAULT '';
ALTER TABLE identifiers ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identifiers ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE identifiers SET
    id = contact_id + (SELECT COUNT(*) FROM identifiers o WHERE o.contact_id = identifiers.contact_id AND (o.channel < identifiers.channel OR o.channel = identifiers.channel AND o.value < identifiers.value)),
    is_primary = NOT EXISTS (SELECT 1 FROM identifiers o WHERE o.contact_id = identifiers.contact_id AND o.channel = identifiers.channel AND o.value < identifiers.value),
    created_at = COALESCE((SELECT created_at FROM contacts WHERE contacts.id = identifiers.contact_id), 0),
    updated_at = COALESCE((SELECT updated_at FROM contacts WHERE contacts.id = identifiers.contact_id), 0);

-- What contacts are found by: the words of their names, their addresses and numbers, each folded, and numbers backwards behind a "<".
CREATE TABLE contact_terms (
    app_id     BIGINT NOT NULL,
    term       TEXT   {{bytewise}} NOT NULL,
    contact_id BIGINT NOT NULL,
    PRIMARY KEY (app_id, term, contact_id)
) {{clustered}};
CREATE INDEX contact_terms_by_contact ON contact_terms (contact_id, term);

-- The channels that the messages of a conversation have gone over, each with its last message, and when the person last wrote there, by our own clock; 0: never.
CREATE TABLE conversation_channels (
    conversation_id BIGINT NOT NULL,
    channel         TEXT   NOT NULL,
    app_id          BIGINT NOT NULL,
    sender_id       BIGINT NOT NULL,
    last_message    BIGINT NOT NULL,
    last_inbound_at BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, channel)
) {{counter}};
INSERT INTO conversation_channels (conversation_id, channel, app_id, sender_id, last_message, last_inbound_at)
    SELECT conversation_id, channel, MAX(app_id), MAX(sender_id), MAX(id), MAX(CASE WHEN direction = 'inbound' THEN created_at ELSE 0 END)
    FROM messages WHERE conversation_id <> 0 GROUP BY conversation_id, channel;
CREATE INDEX conversation_channels_by_channel ON conversation_channels (app_id, channel, last_message);
CREATE INDEX conversation_channels_by_sender ON conversation_channels (app_id, sender_id, channel, last_message);

-- The conversation that was busy last comes first.
CREATE INDEX conversations_by_activity ON conversations (app_id, last_message);
CREATE INDEX conversations_by_sender ON conversations (app_id, sender_id, last_message);
CREATE INDEX conversations_by_contact ON conversations (contact_id);
