import {
  COMPLIANCE_FINDING,
  type Fact,
  type ObjectFacts,
  OCSF_DATETIME,
  OCSF_OBJECTS,
  OCSF_PROFILES,
  OCSF_TEXT_BYTES,
  OCSF_VERSION,
} from './ocsf-facts.ts';

type Members = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** The schema does not forbid what is empty; as what is required it says nothing. */
const isEmpty = (value: unknown) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

// The schema gives a time in milliseconds no bounds. These are 2017 and 2096, between which one in seconds or microseconds is not.
const [EARLIEST, LATEST] = [1_500_000_000_000, 4_000_000_000_000];
const isText = (value: unknown): value is string => typeof value === 'string';
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string_t: (value) => isText(value) && Buffer.byteLength(value) <= OCSF_TEXT_BYTES,
  url_t: (value) => isText(value) && URL.canParse(value),
  datetime_t: (value) => isText(value) && OCSF_DATETIME.test(value),
  timestamp_t: (value) => isWhole(value) && value > EARLIEST && value < LATEST,
  integer_t: isWhole,
  long_t: isWhole,
  json_t: () => true,
};

function valueErrors(fact: Fact, value: unknown, path: string, profiles: readonly string[]): string[] {
  const { type, captions } = fact;
  const ofType = TYPES[type];
  const facts = OCSF_OBJECTS[type];
  if (!ofType)
    return facts ? objectErrors(facts, value, path, profiles) : [`${path}: the facts of ${type} are not known`];
  if (!ofType(value)) return [`${path}: ${JSON.stringify(value)} is no ${type}`];
  return !captions || (value as number) in captions ? [] : [`${path}: ${value} is none of its ids`];
}

/** Of an id its caption; of 99 (Other) whatever the source calls it, but something. */
function siblingErrors({ captions, sibling }: Fact, members: Members, name: string, path: string): string[] {
  const [id, caption] = [members[name], sibling && members[sibling]];
  if (!captions || !sibling || typeof id !== 'number') return [];
  if (id === 99) return isEmpty(caption) ? [`${path}${name}: 99 wants ${sibling}`] : [];
  return caption === undefined || caption === captions[id]
    ? []
    : [`${path}${sibling}: ${JSON.stringify(caption)} is not the caption of ${id}`];
}

function attributeErrors(name: string, fact: Fact, members: Members, path: string, profiles: readonly string[]) {
  const value = members[name];
  const at = `${path}${name}`;
  if (fact.profile && !profiles.includes(fact.profile))
    return value === undefined ? [] : [`${at}: metadata.profiles does not name ${fact.profile}`];
  if (fact.need === 'required' && isEmpty(value)) return [`${at}: is required`];
  if (value === undefined) return [];
  if (fact.deprecated) return [`${at}: is deprecated since ${fact.deprecated}`];
  const errors = siblingErrors(fact, members, name, path);
  if (!fact.array) return [...errors, ...valueErrors(fact, value, at, profiles)];
  if (!Array.isArray(value)) return [`${at}: is no list`];
  return [...errors, ...value.flatMap((one, index) => valueErrors(fact, one, `${at}[${index}]`, profiles))];
}

function objectErrors(facts: ObjectFacts, value: unknown, at: string, profiles: readonly string[]): string[] {
  const path = at && `${at}.`;
  const { attributes, atLeastOne } = facts;
  if (!isObject(value)) return [`${at}: is no object`];
  if (facts.open) return [];
  return [
    ...Object.keys(value)
      .filter((name) => !Object.hasOwn(attributes, name))
      .map((name) => `${path}${name}: is not defined`),
    ...Object.entries(attributes).flatMap(([name, fact]) => attributeErrors(name, fact, value, path, profiles)),
    ...(atLeastOne?.every((name) => isEmpty(value[name])) ? [`${at}: wants one of ${atLeastOne.join(', ')}`] : []),
  ];
}

/** What the facts of OCSF 1.3.0 have against this event as a Compliance Finding: nothing, or places and what is wrong there. */
export function ocsfErrors(event: unknown): string[] {
  if (!isObject(event)) return ['the event is no object'];
  const metadata = isObject(event.metadata) ? event.metadata : {};
  const profiles = Array.isArray(metadata.profiles) ? metadata.profiles.filter(isText) : [];
  const { class_uid, activity_id, type_uid } = event;
  return [
    ...objectErrors(COMPLIANCE_FINDING, event, '', profiles),
    ...profiles
      .filter((name) => !OCSF_PROFILES.includes(name))
      .map((name) => `metadata.profiles: ${name} is not of this class`),
    ...(metadata.version === OCSF_VERSION ? [] : [`metadata.version: is not ${OCSF_VERSION}`]),
    ...(type_uid === Number(class_uid) * 100 + Number(activity_id)
      ? []
      : ['type_uid: is of another class or activity']),
  ];
}
