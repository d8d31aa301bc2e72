// The columns that the service adds to those of a file: which they are, and what they hold.

const BY_TASK = {
  regression: [["prediction"], ["lower", "upper"]],
  classification: [["label", "probability"], ["set"], ["credibility"]],
  "multi-label classification": [["labels"]],
  "anomaly detection": [["anomaly_score"], ["credibility"]],
};
const TEXTS = new Set(["label", "labels", "set", "warnings", "error"]);

/** Says whether a column of the service holds numbers. */
export const isNumeric = (name) => !TEXTS.has(name);

/**
 * Returns the columns of the service at the end of a header, by the names that documents give them.
 *
 * A name that a column of the file has as well ends in "_", once or more. Which columns there are
 * depends on the calibration of the version.
 */
export function ownColumns(header, task, labels) {
  const candidates = combinations(task, labels).sort((a, b) => b.length - a.length);
  return candidates.find((names) => endsWith(header, names)) ?? [];
}

function combinations(task, labels) {
  const [first, ...optional] = BY_TASK[task];
  const perLabel = task === "multi-label classification" ? labels.map((label) => `probability_${label}`) : [];
  const subsets = optional.reduce((all, group) => [...all, ...all.map((each) => [...each, ...group])], [[]]);
  return subsets.map((subset) => [...first, ...perLabel, ...subset, "warnings", "error"]);
}

function endsWith(header, names) {
  const tail = header.slice(-names.length);
  return names.every((name, index) => {
    const found = tail[index] ?? "";
    return found.startsWith(name) && /^_*$/.test(found.slice(name.length));
  });
}
