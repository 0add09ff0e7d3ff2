BEGIN TRANSACTION;
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	type VARCHAR(20) NOT NULL, 
	content TEXT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "events" VALUES(1,'2026-11-30T05:48:05.914487+00:00','created','{"lineage":"678b44f9-4c18-444a-9076-d784902c54f2","workspace":"books"}','66db7a36cfa15916c04a2667a82914cf042e3865a74b54579490e3dcef474551');
INSERT INTO "events" VALUES(2,'2026-11-30T05:48:05.974423+00:00','lease-taken','{"id":"937eb086-882b-4cce-b157-df149a6d72ae","fence":1,"holder":{"user":"ci","host":"runner","pid":7,"command":"apply","run":""}}','7b98b2dcfe9d0e78fa0f83de62d7bb0d4fc2f0584abead6b74dd98fea72a7977');
INSERT INTO "events" VALUES(3,'2026-11-30T05:48:06.005587+00:00','bound-to-tenant','{"tenant":"tenant-1","workspace":"books","marker":"ReconcilerKey__c"}','2d29c88fdfb615083e8fb19ee1d4d89a437d0bf7859dbcc9c664e823c2a84edf');
INSERT INTO "events" VALUES(4,'2026-11-30T05:48:06.021391+00:00','marked-complete','{}','57272f29487ca8f3330a1fed58d0e8c9d2bbaa854a03b322affc97b98fdfcf37');
INSERT INTO "events" VALUES(5,'2026-11-30T05:48:06.024165+00:00','run-begun','{"run":"111e0265-443f-4e06-845d-9bfba4683907","plan":"sha256:x"}','16408bdd768f3e08c5036d1eb298c73d87e0ab36f0256adec9e94c4bfe3b021c');
INSERT INTO "events" VALUES(6,'2026-11-30T05:48:06.025137+00:00','intent','{"run":"111e0265-443f-4e06-845d-9bfba4683907","kind":"JournalEntry","name":"e0","act":"create","key":"k","payload":"{\"a\":1}","server_at":"2026-01-31T00:00:00+00:00","spec":{"Done__c":true,"currency":"USD","journalEntryItems":[{"amount":400.90}],"notes":"a\n“b” é"}}','a4675a10986600e2cf69ef01418f8db6d1b8d132ba7c544ecf6929d23e9c79b7');
INSERT INTO "events" VALUES(7,'2026-11-30T05:48:06.026153+00:00','outcome','{"intent":6,"result":"done","number":"JE-00000000"}','427218321fe3b36fb7706455b3a0480b0176f491e762d7cff5081693463acf4d');
INSERT INTO "events" VALUES(8,'2026-11-30T05:48:06.033375+00:00','intent','{"run":"111e0265-443f-4e06-845d-9bfba4683907","kind":"JournalEntry","name":"open0","act":"create","spec":{"Done__c":true,"currency":"USD","journalEntryItems":[{"amount":400.90}],"notes":"a\n“b” é"}}','628ee8425bd29bf7610a20671e541d2be2c9245342494a6687a8cd4e1e3638bc');
INSERT INTO "events" VALUES(9,'2026-11-30T05:48:06.041092+00:00','run-ended','{"run":"111e0265-443f-4e06-845d-9bfba4683907","commit":"abc","policy":"{}","checked":true}','a587e9ba230a5a4c574ec52335cb0cfb65b25c49f8425164aa3844c0a6552597');
CREATE TABLE head (
	id INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	serial INTEGER NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	fence INTEGER NOT NULL, 
	lease VARCHAR(36), 
	holder TEXT, 
	since VARCHAR(40), 
	until VARCHAR(40), 
	PRIMARY KEY (id)
);
INSERT INTO "head" VALUES(1,9,3,'a587e9ba230a5a4c574ec52335cb0cfb65b25c49f8425164aa3844c0a6552597',1,NULL,NULL,NULL,NULL);
CREATE TABLE meta (
	"key" VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('format','3');
INSERT INTO "meta" VALUES('lineage','678b44f9-4c18-444a-9076-d784902c54f2');
INSERT INTO "meta" VALUES('written_with','0.1.0');
COMMIT;
