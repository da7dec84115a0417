-- +runs with 1

-- Which process holds a connection or an errand: what a dead one held is taken
-- over at once.
alter table incoming add column owner bigint not null default 0;
alter table sent_errand add column owner bigint not null default 0;
