-- What is known of a person on a channel is read with each message to and from them. A planner without statistics did not go by the person, but through all people of the
-- channel: it took them to be few.
DROP INDEX identifiers_by_contact;
CREATE INDEX identifiers_by_contact ON identifiers (contact_id, app_id, channel);
