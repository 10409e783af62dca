-- The same rows, each part looked up by the ids that it is about. Joined with the outbox, all of it
-- was read for every look, and metrics look all the time.
CREATE OR REPLACE VIEW outbox_unpublished AS
  SELECT o.* FROM outbox_progress p
  CROSS JOIN LATERAL (SELECT * FROM outbox i WHERE i.id > p.published_to ORDER BY i.id) AS o
  UNION ALL
  SELECT o.* FROM outbox_progress p
  CROSS JOIN LATERAL unnest(p.missing_first, p.missing_last) AS m(first_id, last_id)
  CROSS JOIN LATERAL (
    SELECT * FROM outbox i WHERE i.id BETWEEN m.first_id AND m.last_id ORDER BY i.id
  ) AS o;
