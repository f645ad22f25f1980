use spec::connector_file::{Endpoint, ParamSource, Request};

use super::ReadError;
use crate::connection::Connection;
use crate::inputs::Inputs;
use crate::person::Person;

/// What an endpoint is read by.
#[derive(Debug)]
pub(super) enum Choice {
    /// Nothing is read; one empty row stands for the person (saas-config 19.3).
    EmptyRow,
    /// The read requests at these places, in the order of the file.
    Requests(Vec<usize>),
}

/// Chooses the read requests: those whose `when` holds, and of them those that take an identity
/// which is known, if there is one, else all (saas-config 19.2, architecture §5).
///
/// An endpoint whose read requests are all switched off by `when` has no rows.
pub(super) fn choose(
    endpoint: &Endpoint,
    connection: &Connection,
    person: &Person,
) -> Result<Choice, ReadError> {
    if endpoint.read.is_empty() {
        if endpoint.delete.is_empty() {
            return Err(ReadError::NotDefined {
                connection: connection.key.clone(),
                endpoint: endpoint.name.clone(),
            });
        }
        return Ok(Choice::EmptyRow);
    }
    let mut applicable = Vec::new();
    for (place, request) in endpoint.read.iter().enumerate() {
        if applies(request, connection)? {
            applicable.push((place, request));
        }
    }
    let takes_known_identity = |request: &Request| {
        request.param_values.iter().any(|param| match &param.source {
            ParamSource::Identity(kind) => person.identities.contains(kind),
            ParamSource::References(_) | ParamSource::ConnectorParam(_) => false,
        })
    };
    if applicable.iter().any(|(_, request)| takes_known_identity(request)) {
        applicable.retain(|(_, request)| takes_known_identity(request));
    }
    Ok(Choice::Requests(applicable.into_iter().map(|(place, _)| place).collect()))
}

/// Whether the request has a param that takes values of other collections, and none came: then the
/// collection has no rows (saas-config 19.4).
pub(super) fn lacks_reference(request: &Request, inputs: &Inputs) -> bool {
    request
        .param_values
        .iter()
        .any(|param| matches!(param.source, ParamSource::References(_)) && !inputs.supplies(&param.name))
}

/// Whether the request makes rows without a call (saas-config 19.9).
pub(super) fn is_output_only(request: &Request) -> bool {
    request.target.is_none() && request.output.is_some()
}

fn applies(request: &Request, connection: &Connection) -> Result<bool, ReadError> {
    connection
        .applies(request)
        .map_err(|source| ReadError::Condition { place: request.place.clone(), source })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{connection, file, inputs, lists, person};

    const THREE: &str = "    - name: things
      requests:
        read:
          - {method: GET, path: /a, param_values: [{name: e, identity: email}]}
          - {method: GET, path: /b, param_values: [{name: p, identity: phone_number}]}
          - method: GET
            path: /c
            param_values: [{name: r, references: [{dataset: acme, field: others.id, direction: from}]}]
";

    fn chosen(endpoints: &str, secrets: &[(&str, Value)], identities: &[(&str, &str)]) -> Vec<String> {
        let connection = connection(file(endpoints), secrets);
        let endpoint = connection.file.find_endpoint("things").unwrap();
        match choose(endpoint, &connection, &person(identities)).unwrap() {
            Choice::EmptyRow => vec!["empty row".to_owned()],
            Choice::Requests(places) => {
                let path = |place: usize| endpoint.read[place].target.as_ref().unwrap().path.to_string();
                places.into_iter().map(path).collect()
            }
        }
    }

    // rule: saas-config 19.2
    // rule: privacy-requests S-20
    #[rstest]
    #[case(&[("email", "a")], &["/a"])]
    #[case(&[("email", "a"), ("phone_number", "1")], &["/a", "/b"])]
    #[case(&[("external_id", "x")], &["/a", "/b", "/c"])]
    fn known_identities_choose_the_requests(#[case] identities: &[(&str, &str)], #[case] expected: &[&str]) {
        assert_eq!(chosen(THREE, &[], identities), expected);
    }

    // rule: saas-config 19.3
    #[test]
    fn without_read_request_there_is_one_empty_row_if_there_is_a_delete() {
        let deleted = "    - name: things\n      requests:\n        delete:\n          method: POST\n          \
            path: /forget\n          param_values: [{name: e, identity: email}]\n";
        let updated = deleted.replace("delete", "update");

        assert_eq!(chosen(deleted, &[], &[("email", "a")]), ["empty row"]);
        let connection = connection(file(&updated), &[]);
        let endpoint = connection.file.find_endpoint("things").unwrap();
        let error = choose(endpoint, &connection, &person(&[])).unwrap_err();
        assert!(matches!(error, ReadError::NotDefined { .. }), "{error}");
    }

    // rule: saas-config 19.4
    #[test]
    fn reference_without_input_is_noticed_and_an_empty_list_is_an_input() {
        let file = file(THREE);
        let request = &file.endpoints[0].read[2];
        let grouped = Inputs { groups: vec![lists(&[("r", json!([]))])], ..Inputs::default() };

        assert!(lacks_reference(request, &Inputs::default()));
        assert!(!lacks_reference(request, &inputs(&[("r", json!([]))])));
        assert!(!lacks_reference(request, &grouped));
        assert!(
            !lacks_reference(&file.endpoints[0].read[0], &Inputs::default()),
            "identities are not checked here"
        );
    }

    #[test]
    fn when_filters_before_identities_choose() {
        let conditional = THREE.replace("path: /a,", "path: /a, when: domain == \"old.acme.test\",");

        assert_eq!(chosen(&conditional, &[], &[("email", "a"), ("phone_number", "1")]), ["/b"]);
        assert_eq!(chosen(&conditional, &[("domain", json!("old.acme.test"))], &[("email", "a")]), ["/a"]);
    }

    #[test]
    fn when_may_ask_for_a_param_without_value() {
        let conditional = THREE.replace("path: /a,", "path: /a, when: regions == null,");

        assert_eq!(chosen(&conditional, &[], &[("email", "a")]), ["/a"]);
    }
}
