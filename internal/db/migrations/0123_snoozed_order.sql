-- +goose Up
-- +runs with 1

-- What sleeps is listed by when it wakes.
create index conversation_snoozed on conversation(folder, snoozed_until, id) where snoozed_until > 0;
create index conversation_mailbox_snoozed on conversation(mailbox_id, folder, snoozed_until, id) where snoozed_until > 0;
