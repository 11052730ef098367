/** The version of Portcullis, as in package.json: each decision is recorded with it, so that a replay can say what made another. */
export const VERSION = '0.1.0';
