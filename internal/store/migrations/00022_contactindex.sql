-- New people whose terms are still to be written.
CREATE TABLE contacts_to_index (
    contact_id {{key}},
    app_id     BIGINT NOT NULL
) {{queue}};
