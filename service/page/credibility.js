// How far a credibility lets an answer be trusted.

// Of the instances like those of training, one in twenty is below it (docs/trust.md).
const LOW = 0.05;

/** Whether an answer should not be trusted; one without a credibility says nothing of it. */
export const isLow = (credibility) => credibility < LOW;
