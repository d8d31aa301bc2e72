// How far a credibility lets an answer be trusted.

import { percent } from "./texts.js";

// Of the instances like those of training, one in twenty is below it (docs/trust.md).
const LOW = 0.05;

/** Whether an answer should not be trusted; one without a credibility says nothing of it. */
export const isLow = (credibility) => credibility < LOW;

/**
 * Writes a credibility: the share of the instances set aside in training that looked at least as strange.
 *
 * Small ones have a digit after the decimal mark, so that it is seen which are low.
 */
export const credibilityShare = (credibility) =>
  credibility < 0.01 ? `<\u00a0${percent(0.01)}` : percent(credibility, credibility < 0.1 ? 1 : 0);
