PRAGMA cache_size=-200000;
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, body TEXT);
CREATE INDEX by_name ON t(name);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<150000)
INSERT INTO t SELECT i, hex((i*2654435761)%4294967296), printf('%.*c', i%300, 'x') FROM n;
SELECT count(*), sum(length(body)) FROM t WHERE name > '8';
SELECT name, group_concat(id) FROM t GROUP BY substr(name,1,3) ORDER BY 1 LIMIT 3;
