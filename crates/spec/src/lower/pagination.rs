use super::authentication::fill;
use super::{Finding, Lowering};
use crate::connector_file::{LinkSource, OffsetLimit, Pagination, QueryParam};
use crate::raw::{self, LinkSourceWord};

impl Lowering<'_> {
    pub(super) fn pagination(
        &mut self,
        place: &str,
        raw: raw::Pagination,
        query_params: &[QueryParam],
    ) -> Option<Pagination> {
        let place = format!("{place}.configuration");
        let configuration = raw.configuration?;
        match raw.strategy?.as_str() {
            "offset" => self.offset(&place, fill(configuration), query_params),
            "link" => self.link(&place, fill(configuration)),
            "cursor" => {
                let raw: raw::CursorConfiguration = fill(configuration);
                let has_next = self.path(&format!("{place}.has_next"), raw.has_next);
                let field = self.path(&format!("{place}.field"), raw.field)?;
                let absent_is_end = raw.absent_is_end.unwrap_or_default();
                Some(Pagination::Cursor { cursor_param: raw.cursor_param?, field, has_next, absent_is_end })
            }
            _ => None,
        }
    }

    fn offset(
        &mut self,
        place: &str,
        raw: raw::OffsetConfiguration,
        query_params: &[QueryParam],
    ) -> Option<Pagination> {
        let incremental_param = raw.incremental_param?;
        if !query_params.iter().any(|param| param.name == incremental_param) {
            let message =
                format!("Query param '{incremental_param}' not found among the request's `query_params`");
            let names: Vec<&str> = query_params.iter().map(|param| param.name.as_str()).collect();
            let help = if names.is_empty() {
                format!("add `query_params: [{{name: {incremental_param}, value: 0}}]`")
            } else {
                format!("query params are {}", names.join(", "))
            };
            self.error(
                &format!("{place}.incremental_param"),
                Finding::new("spec::unknown_query_param", message, &help),
            );
        }
        let increment_by = raw.increment_by?;
        if increment_by <= 0 {
            let word = if increment_by == 0 { "zero" } else { "negative" };
            let message = format!("'increment_by' cannot be {word}");
            self.error(
                &format!("{place}.increment_by"),
                Finding::new("spec::bad_increment", message, "write the number of rows on a page"),
            );
        }
        let limit = raw.limit.and_then(|limit| match limit.as_i64() {
            // Zero is no limit (saas-config 18.5).
            Some(number) => (number != 0).then_some(OffsetLimit::Value(number)),
            None => fill::<raw::ParamName>(limit).connector_param.map(OffsetLimit::ConnectorParam),
        });
        Some(Pagination::Offset { incremental_param, increment_by, limit })
    }

    fn link(&mut self, place: &str, raw: raw::LinkConfiguration) -> Option<Pagination> {
        let has_next = self.path(&format!("{place}.has_next"), raw.has_next);
        let source_place = format!("{place}.source");
        let source = match raw.source? {
            LinkSourceWord::Headers => {
                let Some(rel) = raw.rel.filter(|rel| !rel.is_empty()) else {
                    let message = "The 'rel' value must be specified when using 'headers' as the source";
                    let finding = Finding::new("spec::link_without_rel", message, "add `rel: next`");
                    self.error(&source_place, finding);
                    return None;
                };
                LinkSource::Headers { rel }
            }
            LinkSourceWord::Body => {
                let Some(path) = raw.path.filter(|path| !path.is_empty()) else {
                    let message = "The 'path' value must be specified when using 'body' as the source";
                    let help = "add `path: …`, where the link is";
                    self.error(&source_place, Finding::new("spec::link_without_path", message, help));
                    return None;
                };
                LinkSource::Body { path: self.path(&format!("{place}.path"), Some(path))? }
            }
        };
        Some(Pagination::Link { source, has_next, absent_is_end: raw.absent_is_end.unwrap_or_default() })
    }
}
