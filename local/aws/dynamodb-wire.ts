type Attribute = { B?: unknown; BS?: unknown[]; M?: Item; L?: Attribute[]; S?: string };
type Item = Record<string, Attribute>;
/** Where answers have items; of the one for many tables each has a list. */
type Output = {
  Item?: Item;
  Attributes?: Item;
  Items?: Item[];
  LastEvaluatedKey?: Item;
  Responses?: Record<string, Item[]>;
};

const bytes = (text: unknown) => new Uint8Array(Buffer.from(String(text), 'base64'));

function readBytes(attribute: Attribute): void {
  if (attribute.S !== undefined) return;
  if (attribute.B !== undefined) attribute.B = bytes(attribute.B);
  if (attribute.BS) attribute.BS = attribute.BS.map(bytes);
  for (const each of attribute.L ?? Object.values(attribute.M ?? {})) readBytes(each);
}

const hasBytes = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (value instanceof Uint8Array || Object.values(value).some((each) => hasBytes(each)));

/** The input of an operation of DynamoDB as it goes over the wire: JSON, with bytes in base64. */
export function dynamodbRequest(input: object): string {
  // Few have any, and looking takes less than asking for each value.
  if (!hasBytes(input)) return JSON.stringify(input);
  return JSON.stringify(input, function (this: Record<string, unknown>, key: string, value: unknown) {
    // Buffers make something else of themselves before they come here.
    const given = this[key];
    return given instanceof Uint8Array ? Buffer.from(given).toString('base64') : value;
  });
}

/** What an operation answered, as the SDK would have read it. Times stay numbers: only descriptions of tables have any. */
export function dynamodbAnswer(text: string): object {
  const output = JSON.parse(text) as Output;
  const { Item, Attributes, Items = [], LastEvaluatedKey, Responses = {} } = output;
  for (const item of [Item, Attributes, LastEvaluatedKey, ...Items, ...Object.values(Responses).flat()]) {
    for (const attribute of Object.values(item ?? {})) readBytes(attribute);
  }
  return output;
}

/** An error as the SDK would have thrown it, by its name. */
export function dynamodbError(status: number, text: string): Error {
  const { __type = '', message, Message } = JSON.parse(text) as Record<string, string>;
  const error = new Error(message ?? Message ?? '');
  error.name = __type.split('#').at(-1) || 'UnknownError';
  return Object.assign(error, { $metadata: { httpStatusCode: status } });
}
