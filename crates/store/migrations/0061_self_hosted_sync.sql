-- Connections that a connector elsewhere reads have a row like the others: when they are read next, and how often that
-- failed. What is lacking says whether a process of theirs was ever heard of.
INSERT INTO connection_sync (connection, interval_s, guard, basis, next_at, failures, fence, attempts)
SELECT c.key, 86400, 1, '', 0, 0, 0, 0 FROM baton_connector b JOIN connection c ON c.key = b.connection
WHERE c.key NOT IN (SELECT connection FROM connection_sync);

UPDATE connection_sync SET
    basis = '',
    lacks = (SELECT CASE WHEN b.first_seen_at IS NULL THEN 'no process of its connector has called yet; start one with the client id and secret that Rotate gives' END FROM baton_connector b WHERE b.connection = connection_sync.connection),
    next_at = COALESCE((SELECT MAX(t.ended_at) + 86400000000 FROM baton_task t JOIN baton_connector b ON b.id = t.connector_id WHERE b.connection = connection_sync.connection AND t.kind = 'sync_full'), 0),
    last_success_at = (SELECT MAX(t.ended_at) FROM baton_task t JOIN baton_connector b ON b.id = t.connector_id WHERE b.connection = connection_sync.connection AND t.kind = 'sync_full' AND t.state = 'done')
WHERE connection IN (SELECT connection FROM baton_connector);
