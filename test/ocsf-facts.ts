// What OCSF 1.3.0 says of a Compliance Finding (class 2003) and of every object that our events hold: names of attributes, whether they
// are required, their types, the captions of their ids, and the profile that brings them. These are facts in a table of our own, not
// the definitions. Where each was read, and what was not, stands in test/schemas/README.md. `file` is the one of
// github.com/ocsf/ocsf-schema that defines it.
type Captions = Readonly<Record<number, string>>;
type Need = 'required' | 'recommended' | 'optional';
type Detail = {
  array?: true;
  /** What the values of an integer mean, and the attribute that says so in words. */
  captions?: Captions;
  sibling?: string;
  /** The attribute is there only where `metadata.profiles` names this one, and required only then. */
  profile?: string;
  /** Since which version. */
  deprecated?: string;
};
export type Fact = Detail & { need: Need /** A basic type (`..._t`), or the name of an object. */; type: string };
export type ObjectFacts = {
  file: string;
  /** Of the attributes named here one must be there. */
  atLeastOne?: readonly string[];
  /** Whatever attributes, which is what `object` itself is. */
  open?: true;
  attributes: Readonly<Record<string, Fact>>;
};

const as =
  (need: Need) =>
  (type: string, detail: Detail = {}): Fact => ({ need, type, ...detail });
const [required, recommended, optional] = [as('required'), as('recommended'), as('optional')];
const ids = (sibling: string, captions: Captions): Detail => ({ sibling, captions });
const ofProfile = (profile: string): Detail => ({ profile });
const list: Detail = { array: true };
const orElse = (captions: Captions): Captions => ({ 0: 'Unknown', ...captions, 99: 'Other' });
const datetime = optional('datetime_t', ofProfile('datetime'));

/** What types are made of. The rest are texts of their own. `string_t` has at most 65,535 bytes; times are milliseconds since 1970. */
export const OCSF_TEXT_BYTES = 65_535;
export const OCSF_DATETIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?$/;

export const OCSF_VERSION = '1.3.0';
export const OCSF_PROFILES = [
  'cloud',
  'datetime',
  'osint',
  'host',
  'data_classification',
  'container',
  'linux/linux_users',
];

const ACTIVITIES = orElse({ 1: 'Create', 2: 'Update', 3: 'Close' });
const CLASS = { uid: 2003, caption: 'Compliance Finding' };
const typesOf = (activities: Captions): Captions =>
  Object.fromEntries(
    Object.entries(activities).map(([id, caption]) => [CLASS.uid * 100 + Number(id), `${CLASS.caption}: ${caption}`]),
  );

export const COMPLIANCE_FINDING: ObjectFacts = {
  file: 'events/findings/compliance_finding.json, which extends finding.json, which extends events/base_event.json',
  attributes: {
    activity_id: required('integer_t', ids('activity_name', ACTIVITIES)),
    activity_name: optional('string_t'),
    actor: optional('actor', ofProfile('host')),
    api: optional('api', ofProfile('cloud')),
    category_name: optional('string_t'),
    category_uid: required('integer_t', ids('category_name', { 2: 'Findings' })),
    class_name: optional('string_t'),
    class_uid: required('integer_t', ids('class_name', { [CLASS.uid]: CLASS.caption })),
    cloud: required('cloud', ofProfile('cloud')),
    comment: optional('string_t'),
    compliance: required('compliance'),
    confidence: optional('string_t'),
    // 1.3.0 does not tie it to `confidence`; 1.4.0 does.
    confidence_id: recommended('integer_t', { captions: orElse({ 1: 'Low', 2: 'Medium', 3: 'High' }) }),
    confidence_score: optional('integer_t'),
    count: optional('integer_t'),
    device: recommended('device', ofProfile('host')),
    duration: optional('long_t'),
    end_time: optional('timestamp_t'),
    end_time_dt: datetime,
    enrichments: optional('enrichment', list),
    finding_info: required('finding_info'),
    message: recommended('string_t'),
    metadata: required('metadata'),
    observables: recommended('observable', list),
    osint: required('osint', { ...list, ...ofProfile('osint') }),
    raw_data: optional('string_t'),
    remediation: recommended('remediation'),
    resource: recommended('resource_details', { deprecated: '1.3.0' }),
    resources: recommended('resource_details', list),
    severity: optional('string_t'),
    severity_id: required(
      'integer_t',
      ids('severity', orElse({ 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical', 6: 'Fatal' })),
    ),
    start_time: optional('timestamp_t'),
    start_time_dt: datetime,
    status: optional('string_t'),
    status_code: recommended('string_t'),
    status_detail: recommended('string_t'),
    status_id: recommended(
      'integer_t',
      ids('status', orElse({ 1: 'New', 2: 'In Progress', 3: 'Suppressed', 4: 'Resolved' })),
    ),
    time: required('timestamp_t'),
    time_dt: datetime,
    timezone_offset: recommended('integer_t'),
    type_name: optional('string_t'),
    type_uid: required('long_t', ids('type_name', typesOf(ACTIVITIES))),
    unmapped: optional('object'),
  },
};

export const OCSF_OBJECTS: Readonly<Record<string, ObjectFacts>> = {
  account: {
    file: 'objects/account.json',
    atLeastOne: ['name', 'uid'],
    attributes: {
      labels: optional('string_t', list),
      name: recommended('string_t'),
      type: optional('string_t'),
      type_id: recommended(
        'integer_t',
        ids(
          'type',
          orElse({
            1: 'LDAP Account',
            2: 'Windows Account',
            3: 'AWS IAM User',
            4: 'AWS IAM Role',
            5: 'GCP Account',
            6: 'Azure AD Account',
            7: 'Mac OS Account',
            8: 'Apple Account',
            9: 'Linux Account',
            10: 'AWS Account',
          }),
        ),
      ),
      uid: recommended('string_t'),
    },
  },
  analytic: {
    file: 'objects/analytic.json',
    atLeastOne: ['name', 'uid'],
    attributes: {
      category: optional('string_t'),
      desc: optional('string_t'),
      name: recommended('string_t'),
      related_analytics: optional('analytic', { ...list, deprecated: '1.0.0' }),
      type: optional('string_t'),
      type_id: required(
        'integer_t',
        ids(
          'type',
          orElse({
            1: 'Rule',
            2: 'Behavioral',
            3: 'Statistical',
            4: 'Learning (ML/DL)',
            5: 'Fingerprinting',
            6: 'Tagging',
            7: 'Keyword Match',
            8: 'Regular Expressions',
            9: 'Exact Data Match',
            10: 'Partial Data Match',
            11: 'Indexed Data Match',
          }),
        ),
      ),
      uid: recommended('string_t'),
      version: optional('string_t'),
    },
  },
  cloud: {
    file: 'objects/cloud.json',
    attributes: {
      account: optional('account'),
      org: optional('organization'),
      project_uid: optional('string_t'),
      provider: required('string_t'),
      region: recommended('string_t'),
      zone: optional('string_t'),
    },
  },
  compliance: {
    file: 'objects/compliance.json',
    attributes: {
      compliance_references: optional('kb_article', list),
      compliance_standards: optional('kb_article', list),
      control: recommended('string_t'),
      requirements: optional('string_t', list),
      standards: required('string_t', list),
      status: recommended('string_t'),
      status_code: optional('string_t'),
      status_detail: optional('string_t'),
      status_id: recommended('integer_t', ids('status', orElse({ 1: 'Pass', 2: 'Warning', 3: 'Fail' }))),
    },
  },
  finding_info: {
    file: 'objects/finding_info.json',
    attributes: {
      analytic: recommended('analytic'),
      attacks: optional('attack', list),
      created_time: optional('timestamp_t'),
      created_time_dt: datetime,
      data_sources: optional('string_t', list),
      desc: optional('string_t'),
      first_seen_time: optional('timestamp_t'),
      first_seen_time_dt: datetime,
      kill_chain: optional('kill_chain_phase', list),
      last_seen_time: optional('timestamp_t'),
      last_seen_time_dt: datetime,
      modified_time: optional('timestamp_t'),
      modified_time_dt: datetime,
      product_uid: optional('string_t'),
      related_analytics: optional('analytic', list),
      related_events: optional('related_event', list),
      src_url: optional('url_t'),
      title: required('string_t'),
      types: optional('string_t', list),
      uid: required('string_t'),
    },
  },
  metadata: {
    file: 'objects/metadata.json',
    attributes: {
      correlation_uid: optional('string_t'),
      data_classification: recommended('data_classification', ofProfile('data_classification')),
      event_code: optional('string_t'),
      extension: optional('extension', { deprecated: '1.1.0' }),
      extensions: optional('extension', list),
      labels: optional('string_t', list),
      log_level: optional('string_t'),
      log_name: recommended('string_t'),
      log_provider: recommended('string_t'),
      log_version: optional('string_t'),
      logged_time: optional('timestamp_t'),
      logged_time_dt: datetime,
      loggers: optional('logger', list),
      modified_time: optional('timestamp_t'),
      modified_time_dt: datetime,
      original_time: recommended('string_t'),
      processed_time: optional('timestamp_t'),
      processed_time_dt: datetime,
      product: required('product'),
      profiles: optional('string_t', list),
      sequence: optional('integer_t'),
      tenant_uid: recommended('string_t'),
      uid: optional('string_t'),
      version: required('string_t'),
    },
  },
  object: { file: 'objects/object.json', open: true, attributes: {} },
  product: {
    file: 'objects/product.json',
    atLeastOne: ['name', 'uid'],
    attributes: {
      cpe_name: optional('string_t'),
      data_classification: recommended('data_classification', ofProfile('data_classification')),
      feature: optional('feature'),
      lang: optional('string_t'),
      name: recommended('string_t'),
      path: optional('string_t'),
      uid: recommended('string_t'),
      url_string: optional('url_t'),
      vendor_name: required('string_t'),
      version: recommended('string_t'),
    },
  },
  remediation: {
    file: 'objects/remediation.json',
    attributes: {
      desc: required('string_t'),
      kb_article_list: optional('kb_article', list),
      kb_articles: optional('string_t', { ...list, deprecated: '1.1.0' }),
      references: optional('string_t', list),
    },
  },
  resource_details: {
    file: 'objects/resource_details.json, which extends _resource.json',
    atLeastOne: ['name', 'uid'],
    attributes: {
      agent_list: optional('agent', list),
      cloud_partition: optional('string_t', ofProfile('cloud')),
      criticality: optional('string_t'),
      data: optional('json_t'),
      data_classification: recommended('data_classification', ofProfile('data_classification')),
      group: optional('group'),
      labels: optional('string_t', list),
      name: recommended('string_t'),
      namespace: optional('string_t'),
      owner: recommended('user'),
      region: optional('string_t', ofProfile('cloud')),
      type: optional('string_t'),
      uid: recommended('string_t'),
      version: optional('string_t'),
    },
  },
};
