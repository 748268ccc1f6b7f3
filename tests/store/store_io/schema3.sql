-- A run as schema version 3 keeps it: the one of schema1.sql, upgraded by the code that had version 3.
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  arm TEXT NOT NULL,
  chunk_id TEXT NOT NULL,
  take INTEGER NOT NULL,
  variant TEXT NOT NULL,
  seed ,
  outcome TEXT NOT NULL,
  detail TEXT,
  audio TEXT,
  audio_sha256 TEXT,
  sample_rate INTEGER,
  duration REAL,
  tokens BLOB,
  token_frames INTEGER,
  token_codebooks INTEGER,
  token_count INTEGER,
  finish_reason TEXT,
  wall_seconds REAL,
  cpu_seconds REAL,
  ttfa REAL,
  rss_bytes INTEGER,
  peak_rss_bytes INTEGER,
  stderr_tail TEXT,
  notes TEXT,
  checksum TEXT NOT NULL,
  UNIQUE (session, arm, chunk_id, take),
  FOREIGN KEY (session, epoch) REFERENCES epochs (session, epoch)
);
INSERT INTO "attempts" VALUES(1,1,0,0,'soak','a',0,'q4','18446744073709551615','ok','','audio/8deb90668ea3a6845d5c04454798ccb63829a88ff827892f2dc11c808baac7af_8000.wav','8deb90668ea3a6845d5c04454798ccb63829a88ff827892f2dc11c808baac7af',8000,NULL,X'78016360606060046226206606620000380007',2,2,NULL,NULL,0.5,NULL,NULL,NULL,NULL,'','{}','335a36a370d33361');
INSERT INTO "attempts" VALUES(2,1,0,1,'soak','b',0,'q4','18446744073709551614','ok','','audio/0f0fcd7ac25b46f0b354529ced3e25ccbecce8a2303030a929c224c8a60a3a2e_8000.wav','0f0fcd7ac25b46f0b354529ced3e25ccbecce8a2303030a929c224c8a60a3a2e',8000,NULL,X'78016360606060046226206606620000380007',2,2,NULL,NULL,0.5,NULL,NULL,NULL,NULL,'','{}','3796cd9ef4b3fdb5');
CREATE TABLE claims (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  variant TEXT NOT NULL,
  statement TEXT NOT NULL,
  passed INTEGER,
  value REAL,
  interval_low REAL,
  interval_high REAL,
  margin REAL,
  count INTEGER,
  details TEXT,
  checksum TEXT NOT NULL
);
INSERT INTO "claims" VALUES(1,'fault-rate','q4','1 of 2 chunks is faulty',0,0.5,0.01,0.99,0.1,2,'{}','3f3231107df09934');
CREATE TABLE epochs (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  reason TEXT NOT NULL,
  capabilities TEXT,
  started_utc TEXT NOT NULL,
  checksum TEXT NOT NULL,
  UNIQUE (session, epoch),
  FOREIGN KEY (session) REFERENCES sessions (id)
);
INSERT INTO "epochs" VALUES(1,1,0,'start','{"sample_rate":8000}','2026-11-21T03:38:28.189306Z','39df6eb4e7ebf3df');
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  utc TEXT NOT NULL,
  checksum TEXT NOT NULL
);
INSERT INTO "events" VALUES(1,'disk','{"free":5}','2026-11-21T03:38:28.245016Z','8f16344e86536ff5');
CREATE TABLE evidence (
  id INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL,
  fault TEXT NOT NULL,
  value REAL,
  unit TEXT,
  span_start REAL,
  span_end REAL,
  detail TEXT,
  reason TEXT,
  applies INTEGER NOT NULL,
  checksum TEXT NOT NULL,
  FOREIGN KEY (attempt_id) REFERENCES attempts (id)
);
INSERT INTO "evidence" VALUES(1,1,'loop',0.25,'',0.0,0.1,'','',1,'92aa73dd9e3fb14b');
INSERT INTO "evidence" VALUES(2,2,'loop',0.25,'',0.0,0.1,'','',1,'6d0055ee5994f5c9');
CREATE TABLE observations (
  id INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL,
  scorer TEXT NOT NULL,
  version TEXT NOT NULL,
  status TEXT NOT NULL,
  payload TEXT NOT NULL,
  reason TEXT,
  checksum TEXT NOT NULL,
  FOREIGN KEY (attempt_id) REFERENCES attempts (id)
);
INSERT INTO "observations" VALUES(1,1,'signal','1','ok','{"duration":0.5}','','91acb9cdb6ff065b');
INSERT INTO "observations" VALUES(2,2,'signal','1','ok','{"duration":0.5}','','5bf7a346ce4b59e5');
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  variant TEXT NOT NULL,
  arm TEXT NOT NULL,
  chunk_ids TEXT NOT NULL,
  details TEXT,
  started_utc TEXT NOT NULL,
  checksum TEXT NOT NULL
);
INSERT INTO "sessions" VALUES(1,'q4','soak','["a","b"]','{}','2026-11-21T03:38:28.185416Z','b0e69791a8f3fdbb');
CREATE TABLE states (
  id INTEGER PRIMARY KEY,
  status TEXT NOT NULL,
  detail TEXT,
  utc TEXT NOT NULL,
  pid INTEGER,
  checksum TEXT NOT NULL
);
INSERT INTO "states" VALUES(1,'running',NULL,'2026-11-21T03:38:28.171477Z',27839,'fbf85b35c8db13bb');
INSERT INTO "states" VALUES(2,'finished',NULL,'2026-11-21T03:38:28.252334Z',27839,'1456b33ad32949e4');
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL,
  word TEXT NOT NULL,
  findings TEXT NOT NULL,
  reason TEXT,
  unjudged TEXT,
  limits_key TEXT NOT NULL,
  limits TEXT,
  final INTEGER,
  checksum TEXT NOT NULL,
  FOREIGN KEY (attempt_id) REFERENCES attempts (id)
);
INSERT INTO "verdicts" VALUES(1,1,'clean','[]','','[]','k1',NULL,NULL,'8553d1fef5693bcd');
INSERT INTO "verdicts" VALUES(2,2,'faulty','[{"fault":"loop","value":0.25,"limit":0.1,"limit_source":"physics","unit":"","span":null,"detail":"","confirmed":null,"bound_to":null}]','','[]','k1',NULL,NULL,'cf52aa7c46f63600');
CREATE INDEX observations_latest ON observations (attempt_id, scorer, id);
CREATE INDEX evidence_latest ON evidence (attempt_id, fault, id);
CREATE INDEX verdicts_latest ON verdicts (attempt_id, id);
CREATE VIEW latest_observations AS SELECT * FROM observations WHERE id IN (SELECT max(id) FROM observations GROUP BY attempt_id, scorer);
CREATE VIEW latest_evidence AS SELECT * FROM evidence WHERE id IN (SELECT max(id) FROM evidence GROUP BY attempt_id, fault);
CREATE VIEW latest_verdicts AS SELECT * FROM verdicts WHERE id IN (SELECT max(id) FROM verdicts GROUP BY attempt_id);
CREATE VIEW latest_claims AS SELECT * FROM claims WHERE id IN (SELECT max(id) FROM claims GROUP BY name, variant);
CREATE VIEW latest_findings AS SELECT v.attempt_id, a.variant, a.arm, a.chunk_id, a.take, json_extract(f.value, '$.fault') AS fault, json_extract(f.value, '$.value') AS value, json_extract(f.value, '$.limit') AS "limit", json_extract(f.value, '$.limit_source') AS limit_source, json_extract(f.value, '$.unit') AS unit, json_extract(f.value, '$.span[0]') AS span_start, json_extract(f.value, '$.span[1]') AS span_end, json_extract(f.value, '$.detail') AS detail, json_extract(f.value, '$.confirmed') AS confirmed, json_extract(f.value, '$.bound_to') AS bound_to FROM latest_verdicts v JOIN attempts a ON a.id = v.attempt_id, json_each(v.findings) f;
COMMIT;
