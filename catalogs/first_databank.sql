-- The catalog over First Databank's tables: one row per packaged drug (NDC).
--
-- Adapt the table names to your schema, and keep two things: the key is the stored rndc14.NDC (give
-- it a unique index), and the joins are LEFT JOINs from rndc14. Pages of the catalog are then range
-- reads on that index. Runs on MySQL 8.0 (Aurora MySQL 3) and MariaDB 10.11.

CREATE OR REPLACE VIEW drugs AS
SELECT
  n.NDC AS ndc,

  -- LN60 is the label name at full length; LN, cut at 30 characters, where a row has no LN60.
  COALESCE(NULLIF(TRIM(n.LN60), ''), NULLIF(TRIM(n.LN), '')) AS drug_name,

  NULLIF(TRIM(n.BN), '') AS brand_name,

  -- These tables have no column for the generic name. Generic products carry it as their BN.
  CASE WHEN n.INNOV = '0' THEN NULLIF(TRIM(n.BN), '') END AS generic_name,

  -- 0 means that the clinical formulation is not known.
  CAST(NULLIF(n.GCN_SEQNO, 0) AS CHAR) AS gcn_seqno,

  -- GCDF and GCRT are FDB's codes. If you license their description tables, join those instead.
  COALESCE(
    NULLIF(TRIM(g.GCDF), ''),
    CASE n.DF WHEN '1' THEN 'solid' WHEN '2' THEN 'liquid' WHEN '3' THEN 'other' END
  ) AS dosage_form,
  NULLIF(TRIM(g.GCRT), '') AS route,

  COALESCE(NULLIF(TRIM(g.STR60), ''), NULLIF(TRIM(g.STR), '')) AS strength,

  NULLIF(TRIM(l.MFG), '') AS manufacturer,

  -- HIC3 is the specific class of the ingredient, GTC the general therapeutic class.
  NULLIF(TRIM(g.HIC3), '') AS drug_class,
  NULLIF(TRIM(CAST(g.GTC AS CHAR)), '') AS therapeutic_class,

  -- The same words as the FDA's. 0 means not scheduled.
  CASE n.DEA
    WHEN '1' THEN 'CI' WHEN '2' THEN 'CII' WHEN '3' THEN 'CIII' WHEN '4' THEN 'CIV'
    WHEN '5' THEN 'CV'
  END AS dea_schedule,

  CASE n.INNOV WHEN '0' THEN '1' WHEN '1' THEN '0' END AS is_generic,
  CASE n.INNOV WHEN '1' THEN '1' WHEN '0' THEN '0' END AS is_brand,

  -- A zero date means not obsolete. Compared as text: strict SQL modes refuse '0000-00-00' as a date.
  CASE
    WHEN COALESCE(CAST(n.OBSDTEC AS CHAR), '') IN ('', '0', '00000000', '0000-00-00') THEN '1'
    ELSE '0'
  END AS is_active,

  -- A search ranks by these words (docs/catalog.md). F (66 % of a published catalog of 493,573 rows)
  -- needs a prescription by federal law, O (29 %) does not; source: FDB_DATABASE_SCHEMA_REFERENCE.md
  -- in github.com/Baalakay/drug-search-redis-vector-and-filtering. It has Q, too (5 %), and does not
  -- say what that is: such a code is carried as it is and ranked as any other. If your licence's
  -- documentation says that a code or another column means a kit, a device or a homeopathic, write
  -- WHEN 'Q' THEN 'DEVICE' (KIT, HOMEOPATHIC, ALLERGENIC) here: those rank last.
  CASE n.CL WHEN 'F' THEN 'PRESCRIPTION' WHEN 'O' THEN 'OTC' ELSE NULLIF(TRIM(n.CL), '') END
    AS product_type
FROM rndc14 n
LEFT JOIN rgcnseq4 g ON g.GCN_SEQNO = n.GCN_SEQNO
LEFT JOIN rlblrid3 l ON l.LBLRID = n.LBLRID
