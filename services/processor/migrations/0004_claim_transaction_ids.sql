-- The PSP's transaction id of each payment that it approved. One id is one movement of money, so
-- it proves one payment only (ADR 0023). A table of its own: an id that exists already must be
-- detected and must not fail the statement that stores the answer.
CREATE TABLE psp_transactions (
  psp text NOT NULL,
  gateway_transaction_id text NOT NULL,
  payment_id uuid NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  CONSTRAINT psp_transactions_prove_one_payment PRIMARY KEY (psp, gateway_transaction_id),
  CONSTRAINT psp_transactions_id_is_visible
    CHECK (gateway_transaction_id ~ '^[!-~]{1,255}$')
);
GRANT SELECT, INSERT ON psp_transactions TO caudal_app;

-- Ids of payments that earlier releases completed. They did not check them: the first one counts.
INSERT INTO psp_transactions (psp, gateway_transaction_id, payment_id, claimed_at)
SELECT coalesce(psp, 'main'), gateway_response->>'gateway_transaction_id', payment_id, finished_at
FROM payments
WHERE status = 'COMPLETED'
  AND gateway_response->>'gateway_transaction_id' ~ '^[!-~]{1,255}$'
ORDER BY finished_at, payment_id
ON CONFLICT DO NOTHING;
