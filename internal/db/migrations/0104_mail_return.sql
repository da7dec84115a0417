-- +goose Up
-- +runs with 1

-- What reports that came back say of the recipients of mails that were sent: a
-- mark of each kind once. The address is empty where a report names nobody.
create table mail_return (
	mail_id bigint not null references mail(id),
	address text not null,
	kind text not null,
	status text not null default '',
	words text not null default '',
	message_id bigint not null default 0,
	at bigint not null,
	primary key (mail_id, address, kind)
);

-- What stopped automatic mail to an address: a mail that came back, or a
-- complaint.
alter table customer_address add column suppressed_by text not null default '';
