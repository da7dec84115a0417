-- +goose Up
-- +runs with 1

-- Fields of one's own. A deleted one keeps its key and its values until it is
-- restored or erased.
create table field (
	id         bigint primary key,
	subject    text   not null,
	key        text   not null,
	kind       text   not null,
	name       text   not null,
	help       text   not null default '',
	choices    text   not null default '[]',
	mailboxes  text   not null default '[]',
	place      bigint not null default 0,
	deleted_at bigint not null default 0
);
create unique index field_key on field (subject, key);

-- The values of a conversation's fields, by path. The texts among them stand by
-- themselves, each as it once was, so that what events hold is an id.
alter table conversation add column fields text not null default '{}';
create table field_text (
	id              bigint primary key,
	conversation_id bigint not null,
	text            text   not null
);
create index field_text_conversation on field_text (conversation_id, id);

alter table customer add column company text not null default '';
alter table customer add column fields text not null default '{}';
