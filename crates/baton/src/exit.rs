//! How a connector process ends (baton C-15).

use std::process::ExitCode;

pub use tonic::Code;

/// The exit status: 0, or the number of the gRPC code that the failure has.
///
/// Earlier runtimes end with 1 whatever failed; scripts that look for "not zero" work with both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(Code);

impl Exit {
    /// All went well.
    pub const SUCCESS: Self = Self(Code::Ok);
    /// A guard refused it; nothing was sent.
    pub const REFUSED: Self = Self(Code::FailedPrecondition);

    /// The status of a failure with `code`.
    pub fn of(code: Code) -> Self {
        Self(code)
    }

    /// The status of a call that an application answered with the HTTP status `status` (baton ER-1).
    pub fn of_http(status: u16) -> Self {
        Self(match status {
            200..=299 => Code::Ok,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::NotFound,
            408 => Code::DeadlineExceeded,
            409 => Code::AlreadyExists,
            501 => Code::Unimplemented,
            429 | 500..=599 => Code::Unavailable,
            400..=499 => Code::InvalidArgument,
            _ => Code::Unknown,
        })
    }

    /// What the shell sees: 0 to 16.
    pub fn number(self) -> u8 {
        self.0 as u8
    }

    /// The code behind it.
    pub fn code(self) -> Code {
        self.0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: baton C-15
    #[rstest]
    #[case(Code::Ok, 0)]
    #[case(Code::Cancelled, 1)]
    #[case(Code::Unknown, 2)]
    #[case(Code::InvalidArgument, 3)]
    #[case(Code::DeadlineExceeded, 4)]
    #[case(Code::NotFound, 5)]
    #[case(Code::AlreadyExists, 6)]
    #[case(Code::PermissionDenied, 7)]
    #[case(Code::ResourceExhausted, 8)]
    #[case(Code::FailedPrecondition, 9)]
    #[case(Code::Aborted, 10)]
    #[case(Code::OutOfRange, 11)]
    #[case(Code::Unimplemented, 12)]
    #[case(Code::Internal, 13)]
    #[case(Code::Unavailable, 14)]
    #[case(Code::DataLoss, 15)]
    #[case(Code::Unauthenticated, 16)]
    fn status_is_the_number_of_the_code(#[case] code: Code, #[case] number: u8) {
        assert_eq!(Exit::of(code).number(), number);
    }

    // rule: baton C-15
    #[test]
    fn success_is_zero_and_a_guard_is_nine() {
        assert_eq!((Exit::SUCCESS.number(), Exit::REFUSED.number()), (0, 9));
    }

    // rule: baton ER-1
    #[rstest]
    #[case(&[200, 204], Code::Ok)]
    #[case(&[400, 402, 422], Code::InvalidArgument)]
    #[case(&[401], Code::Unauthenticated)]
    #[case(&[403], Code::PermissionDenied)]
    #[case(&[404], Code::NotFound)]
    #[case(&[408], Code::DeadlineExceeded)]
    #[case(&[409], Code::AlreadyExists)]
    #[case(&[429, 500, 502, 503, 504, 599], Code::Unavailable)]
    #[case(&[501], Code::Unimplemented)]
    #[case(&[100, 302, 600], Code::Unknown)]
    fn answers_of_applications_have_a_code(#[case] statuses: &[u16], #[case] code: Code) {
        for status in statuses {
            assert_eq!(Exit::of_http(*status).code(), code, "{status}");
        }
    }
}
