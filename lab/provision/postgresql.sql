-- Databases and roles of the lab: an owner that cannot log in, and two slots (a, b) that a rotation takes in turn.
CREATE ROLE mindex_api_owner NOLOGIN;
CREATE ROLE mas_owner NOLOGIN;
CREATE ROLE website_owner NOLOGIN;

CREATE ROLE mindex_api_a NOLOGIN IN ROLE mindex_api_owner;
CREATE ROLE mindex_api_b NOLOGIN IN ROLE mindex_api_owner;
CREATE ROLE mas_a NOLOGIN IN ROLE mas_owner;
CREATE ROLE mas_b NOLOGIN IN ROLE mas_owner;
CREATE ROLE website_a NOLOGIN IN ROLE website_owner;
CREATE ROLE website_b NOLOGIN IN ROLE website_owner;

-- The website's reports log in with one role, as many programs do: one password, replaced in a cut.
CREATE ROLE reports LOGIN;

-- What a slot creates belongs to the owner, so the other slot can use it.
ALTER ROLE mindex_api_a SET role = 'mindex_api_owner';
ALTER ROLE mindex_api_b SET role = 'mindex_api_owner';
ALTER ROLE mas_a SET role = 'mas_owner';
ALTER ROLE mas_b SET role = 'mas_owner';
ALTER ROLE website_a SET role = 'website_owner';
ALTER ROLE website_b SET role = 'website_owner';

CREATE DATABASE mindex OWNER mindex_api_owner;
CREATE DATABASE mas OWNER mas_owner;
CREATE DATABASE website OWNER website_owner;
REVOKE CONNECT ON DATABASE mindex, mas, website FROM PUBLIC;
-- The orchestrator also reads the index.
GRANT CONNECT ON DATABASE mindex TO mas_owner;
GRANT CONNECT ON DATABASE website TO reports;

\connect mindex
ALTER SCHEMA public OWNER TO mindex_api_owner;
SET ROLE mindex_api_owner;
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO items (name) VALUES ('Amanita muscaria'), ('Pleurotus ostreatus'), ('Hericium erinaceus');
GRANT SELECT ON items TO mas_owner;
RESET ROLE;

\connect mas
ALTER SCHEMA public OWNER TO mas_owner;
SET ROLE mas_owner;
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO items (name) VALUES ('route request'), ('watch bridge'), ('plan crawl');
RESET ROLE;

\connect website
ALTER SCHEMA public OWNER TO website_owner;
SET ROLE website_owner;
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO items (name) VALUES ('home'), ('species'), ('devices');
GRANT SELECT ON items TO reports;
RESET ROLE;
