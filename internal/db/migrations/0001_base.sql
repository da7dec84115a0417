-- What the database room itself needs. Schema texts are written once for both
-- engines; see migrate.go for the few words that are rewritten.

create table meta (
  key text primary key,
  value text not null
);

-- Blocks of ids already handed to a process: next is the first free one.
create table id_block (
  name text primary key,
  next bigint not null
);

insert into id_block (name, next) values ('id', 1);
