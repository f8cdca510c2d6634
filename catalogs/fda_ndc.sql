-- The catalog over the FDA's NDC directory: one row per package.
--
-- ndc_packages.ndc holds the eleven digits that the loader made of the FDA's 4-4-2, 5-3-2 and 5-4-1
-- codes. It must be stored: a view that computes its key reads the whole table for every page.
-- LEFT JOIN from the packages keeps the optimizer on that key.

CREATE OR REPLACE VIEW drugs AS
SELECT
  k.ndc AS ndc,
  TRIM(CONCAT(p.proprietary_name, ' ', p.proprietary_name_suffix)) AS drug_name,
  p.proprietary_name AS brand_name,
  p.nonproprietary_name AS generic_name,
  p.dosage_form AS dosage_form,
  p.route AS route,
  p.strength AS strength,
  p.labeler_name AS manufacturer,
  p.pharm_classes AS drug_class,
  p.dea_schedule AS dea_schedule,
  -- A search answers with what needs a prescription first, with homeopathics last.
  CASE
    WHEN p.marketing_category = 'UNAPPROVED HOMEOPATHIC' THEN 'HOMEOPATHIC'
    ELSE p.product_type
  END AS product_type,
  CASE WHEN p.marketing_category IN ('ANDA', 'NDA AUTHORIZED GENERIC') THEN '1' ELSE '0' END
    AS is_generic,
  CASE WHEN p.marketing_category IN ('NDA', 'BLA') THEN '1' ELSE '0' END AS is_brand,
  -- Still marketed on the day of this directory: neither package nor product has ended.
  CASE
    WHEN k.end_marketing_date <= '2019-04-30' OR p.end_marketing_date <= '2019-04-30' THEN '0'
    ELSE '1'
  END AS is_active
FROM ndc_packages k
LEFT JOIN ndc_products p ON p.product_id = k.product_id
