-- +runs with 1
-- Taking a bulk change back is work of its own: how far it has come.
alter table job add column undo_after bigint not null default 0;
alter table job add column undo_looked integer not null default 0;

-- A deleted conversation lies in the folder "deleted" until it is restored or
-- erased.
alter table conversation add column deleted_at bigint not null default 0;
create index conversation_deleted on conversation(deleted_at, id) where deleted_at > 0;

-- The mailboxes a conversation was in before it was moved: mail that comes for
-- it there follows it (T10).
create table conversation_left (
	conversation_id bigint not null references conversation(id),
	mailbox_id bigint not null references mailbox(id),
	at bigint not null,
	primary key (conversation_id, mailbox_id)
);

-- What an agent may do in a mailbox they were given, and whether only with
-- conversations that are assigned to them.
alter table mailbox_agent add column rights text not null default 'answer';
alter table mailbox_agent add column only_assigned integer not null default 0;

-- The texts a message had before it was edited, the first one as number 1.
alter table message add column edited_at bigint not null default 0;
alter table message add column edited_by bigint not null default 0;
create table message_text (
	message_id bigint not null references message(id),
	number integer not null,
	body_text text not null,
	body_html text not null,
	agent_id bigint not null,
	at bigint not null,
	primary key (message_id, number)
);

-- Files that only erased conversations referred to, as far as is known: they
-- are looked at again, and removed, a day later.
create table erased_blob (
	sha256 text primary key,
	at bigint not null
);
create index erased_blob_at on erased_blob(at);
