create table number_counter (
  name text primary key,
  value bigint not null
);

insert into number_counter (name, value) values ('conversation', 0);
