// Which pictures are shown, and in which order.

/** What the filter offers: says whether a picture is shown. */
export const FILTERS = {
  all: () => true,
  uncertain: (picture, coverage) => picture.isUncertain(coverage),
  failed: (picture) => picture.error !== undefined,
};

// Doubtful answers come first: they are what a person looks for.
const KEYS = {
  order: (picture) => picture.order,
  label: (picture) => picture.labels?.join(", "),
  probability: ({ answer }) => answer?.probability ?? answer?.value ?? answer?.anomaly_score,
  credibility: ({ answer }) => answer?.credibility,
};

const byNumber = new Intl.Collator(undefined, { numeric: true });

/** Returns pictures in an order; those that have no such value come last. */
export function sorted(pictures, order) {
  const keyed = pictures.map((picture) => ({ picture, key: KEYS[order](picture) }));
  return keyed.sort((a, b) => compared(a.key, b.key) || a.picture.order - b.picture.order).map(({ picture }) => picture);
}

function compared(a, b) {
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  return typeof a === "number" ? a - b : byNumber.compare(a, b);
}

/** Counts labels, most frequent first. */
export function labelCounts(pictures) {
  const counts = new Map();
  for (const label of pictures.flatMap((picture) => picture.labels ?? [])) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].sort(([a, some], [b, others]) => others - some || compared(a, b));
}
