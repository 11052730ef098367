import * as z from 'zod';

// The shape of an OCSF Compliance Finding (class 2003), written by hand from the published definitions of 1.3.0
// (github.com/ocsf/ocsf-schema: includes/classification.json, events/findings/finding.json and compliance_finding.json,
// objects/compliance.json, finding_info.json, metadata.json, product.json, resource_details.json, _resource.json, cloud.json,
// account.json): every required attribute, the enumerations, and no attribute that is not defined there. Why it is by hand is in
// test/schemas/README.md.
const Time = z.int().min(1_500_000_000_000).max(4_000_000_000_000);
const Text = z.string().min(1);
const captioned = <const Captions extends Record<number, string>>(captions: Captions) => ({
  id: z.int().refine((value) => value in captions || value === 99, 'is no value of the enumeration'),
  /** The label of an id is its caption; of 99 (Other) whatever the source calls it. */
  fits: (value: number, label: string) => value === 99 || captions[value] === label,
});
const severity = captioned({
  0: 'Unknown',
  1: 'Informational',
  2: 'Low',
  3: 'Medium',
  4: 'High',
  5: 'Critical',
  6: 'Fatal',
});
const status = captioned({ 0: 'Unknown', 1: 'New', 2: 'In Progress', 3: 'Suppressed', 4: 'Resolved' });
const compliance = captioned({ 0: 'Unknown', 1: 'Pass', 2: 'Warning', 3: 'Fail' });

export const OcsfComplianceFinding = z
  .strictObject({
    activity_id: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(99)]),
    activity_name: Text.optional(),
    category_uid: z.literal(2),
    category_name: z.literal('Findings').optional(),
    class_uid: z.literal(2003),
    class_name: z.literal('Compliance Finding').optional(),
    type_uid: z.int(),
    type_name: Text.optional(),
    time: Time,
    severity_id: severity.id,
    severity: Text.optional(),
    status_id: status.id.optional(),
    status: Text.optional(),
    message: Text.optional(),
    metadata: z.strictObject({
      version: z.literal('1.3.0'),
      product: z.strictObject({ name: Text, vendor_name: Text, version: Text.optional() }),
      profiles: z.array(z.literal('cloud')).optional(),
      log_name: Text.optional(),
      uid: Text.optional(),
      original_time: Text.optional(),
    }),
    cloud: z.strictObject({
      provider: Text,
      account: z.strictObject({
        uid: z.string().regex(/^\d{12}$/),
        type: z.literal('AWS Account'),
        type_id: z.literal(10),
      }),
      region: Text,
    }),
    finding_info: z.strictObject({
      uid: Text,
      title: Text,
      desc: Text.optional(),
      created_time: Time.optional(),
      types: z.array(Text).optional(),
    }),
    compliance: z.strictObject({
      control: Text.optional(),
      requirements: z.array(Text).optional(),
      standards: z.array(Text).min(1),
      status_id: compliance.id.optional(),
      status: Text.optional(),
      status_detail: Text.optional(),
    }),
    resources: z
      .array(
        z.strictObject({
          uid: Text,
          name: Text,
          type: Text.optional(),
          region: Text.optional(),
          cloud_partition: Text.optional(),
          labels: z.array(Text).optional(),
        }),
      )
      .min(1),
    unmapped: z.record(z.string(), z.json()).optional(),
  })
  .refine(({ type_uid, class_uid, activity_id }) => type_uid === class_uid * 100 + activity_id, 'type_uid is another')
  .refine((event) => severity.fits(event.severity_id, event.severity ?? ''), 'severity is not the caption of its id')
  .refine((event) => status.fits(event.status_id ?? 99, event.status ?? ''), 'status is not the caption of its id')
  .refine(
    (event) => compliance.fits(event.compliance.status_id ?? 99, event.compliance.status ?? ''),
    'compliance.status is not the caption of its id',
  );
