-- Lists of requests are walked in indexes alone, whatever is asked of status and policy, and whether or not
-- they leave out what they usually leave out.
DROP INDEX privacy_request_by_age;
DROP INDEX privacy_request_by_status;
DROP INDEX privacy_request_by_policy;
CREATE INDEX privacy_request_by_age ON privacy_request (created_at, id, listed, deleted_at, status, policy);
CREATE INDEX privacy_request_by_status ON privacy_request (status, created_at, id, listed, deleted_at, policy);
CREATE INDEX privacy_request_by_policy ON privacy_request (policy, created_at, id, listed, deleted_at, status);
CREATE INDEX privacy_request_by_started ON privacy_request (started_at) WHERE started_at IS NOT NULL;
CREATE INDEX privacy_request_by_finished ON privacy_request (finished_at) WHERE finished_at IS NOT NULL;

-- How many listed requests of each status were taken in on each day, counted from 1970 in UTC; the sum over the
-- shards counts, as in `privacy_request_count`. It tells where a page far into a list begins.
CREATE TABLE privacy_request_day (
    day     BIGINT NOT NULL,
    status  TEXT   NOT NULL,
    shard   BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    PRIMARY KEY (day, status, shard)
);
INSERT INTO privacy_request_day (day, status, shard, counted) SELECT created_at / 86400000000, status, 0, COUNT(*) FROM privacy_request WHERE listed = 1 GROUP BY created_at / 86400000000, status;
