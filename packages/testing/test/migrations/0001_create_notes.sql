CREATE TABLE notes (note_id bigint PRIMARY KEY, body text NOT NULL);
GRANT SELECT, INSERT ON notes TO caudal_app;
