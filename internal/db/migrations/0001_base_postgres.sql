create sequence conversation_number as bigint start with 1;
