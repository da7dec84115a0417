-- +runs with 1
-- The conversation that a received mail is about which became no message of it:
-- an agent's answer that was not acted on, a mail of ours that came back.
-- Erasing the conversation reaches it too.
alter table inbound add column about_id bigint not null default 0;
create index inbound_about on inbound(about_id) where about_id > 0;
create index participant_address on participant(address);
