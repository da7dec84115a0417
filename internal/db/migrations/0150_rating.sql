-- +goose Up
-- +runs with 1

-- What the customer last said of a conversation: good, okay, bad, or nothing.
alter table conversation add column rating text not null default '';

-- What customers said, one row for each time they said it; of one mail the last
-- counts, the others are replaced.
create table rating (
	id bigint primary key,
	conversation_id bigint not null,
	mail_id bigint not null,
	mailbox_id bigint not null,
	customer_id bigint not null,
	agent_id bigint not null default 0,
	value text not null,
	comment text not null default '',
	at bigint not null,
	seq bigint not null,
	replaced integer not null default 0
);
create index rating_mail on rating(mail_id, seq);
create index rating_conversation on rating(conversation_id, seq);
create index rating_list on rating(at, id) where replaced = 0;

-- How many of each that count, by the day they were given (days since 1970,
-- UTC). They stay when a conversation is erased: they name no customer.
create table rating_count (
	mailbox_id bigint not null,
	agent_id bigint not null,
	day integer not null,
	value text not null,
	n integer not null default 0,
	primary key (mailbox_id, agent_id, day, value)
);
