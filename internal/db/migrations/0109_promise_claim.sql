-- +goose Up
-- +runs with 1

-- SQLite answers a claim from the index alone only if what it asks stands in it.
drop index promise_watch_claim;
create index promise_watch_claim on promise_watch(claim_at, id, tries, open) where open > 0;
