/** Whole files that are replaced, and by what. */
export const wholly = (contents) => () => contents;
/** Where nothing is found, the text stays as it is. */
export const swap = (pattern, by) => (source) => source.replace(pattern, by);
/** A middleware of the SDK that is not added. */
export const notAdded = swap(/applyToStack: \(clientStack\) => \{[\s\S]*?\n {4}\},/, 'applyToStack() {},');
