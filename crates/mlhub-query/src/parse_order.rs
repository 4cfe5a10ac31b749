//! Orders and lists of operands: `metrics.acc desc, created`.

use crate::ast::Operand;
use crate::error::QueryError;
use crate::group::GroupOrder;
use crate::lex::Token;
use crate::limits::ORDER_KEYS_MAX;
use crate::order::OrderKey;
use crate::parse::Parser;

/// Parses `metrics.acc desc, params.lr text, created:asc`. Ascending unless it says
/// otherwise; an empty text is no key.
///
/// # Errors
/// What is wrong, and where in the text.
pub fn parse_order(text: &str) -> Result<Vec<OrderKey>, QueryError> {
    let mut parser = Parser::new(text)?;
    let mut keys = Vec::new();
    while parser.peek().token != Token::End {
        let span = parser.peek().span.clone();
        if keys.len() == ORDER_KEYS_MAX {
            return Err(QueryError::new(
                format!("more than {ORDER_KEYS_MAX} keys"),
                span,
            ));
        }
        let operand = parser.operand()?;
        let as_text = parser.take_keyword("text");
        let descending = direction(&mut parser)?;
        keys.push(OrderKey {
            operand,
            descending,
            as_text,
        });
        next(&mut parser)?;
    }
    Ok(keys)
}

/// Parses one operand, such as `params.lr` or `max(metrics.acc)`.
///
/// # Errors
/// What is wrong, and where in the text.
pub fn parse_operand(text: &str) -> Result<Operand, QueryError> {
    let mut parser = Parser::new(text)?;
    let operand = parser.operand()?;
    let rest = parser.peek().clone();
    if rest.token == Token::End {
        Ok(operand)
    } else {
        Err(QueryError::new(
            "expected one name and nothing after it",
            rest.span,
        ))
    }
}

/// Parses operands separated by commas; an empty text is none.
///
/// # Errors
/// What is wrong, and where in the text.
pub fn parse_operands(text: &str) -> Result<Vec<Operand>, QueryError> {
    let mut parser = Parser::new(text)?;
    let mut operands = Vec::new();
    while parser.peek().token != Token::End {
        operands.push(parser.operand()?);
        next(&mut parser)?;
    }
    Ok(operands)
}

/// Parses the order of groups: `runs`, or an operand that is grouped by or
/// summarised, and a direction.
///
/// # Errors
/// What is wrong, and where in the text.
pub fn parse_group_order(text: &str) -> Result<Option<(GroupOrder, bool)>, QueryError> {
    let mut parser = Parser::new(text)?;
    if parser.peek().token == Token::End {
        return Ok(None);
    }
    let order = if parser.take_keyword("runs") {
        GroupOrder::Runs
    } else {
        GroupOrder::Operand(parser.operand()?)
    };
    let descending = direction(&mut parser)?;
    let rest = parser.peek().clone();
    if rest.token != Token::End {
        return Err(QueryError::new("groups are ordered by one key", rest.span));
    }
    Ok(Some((order, descending)))
}

fn direction(parser: &mut Parser) -> Result<bool, QueryError> {
    let named = parser.take_if(&Token::Colon);
    if parser.take_keyword("desc") {
        Ok(true)
    } else if parser.take_keyword("asc") || !named {
        Ok(false)
    } else {
        Err(QueryError::new(
            "expected `asc` or `desc`",
            parser.peek().span.clone(),
        ))
    }
}

fn next(parser: &mut Parser) -> Result<(), QueryError> {
    let token = parser.peek().clone();
    if token.token == Token::End {
        return Ok(());
    }
    if !parser.take_if(&Token::Comma) {
        return Err(QueryError::new("expected `,` here", token.span)
            .hint("write names with commas between them, each with asc or desc after it"));
    }
    if parser.peek().token == Token::End {
        return Err(QueryError::new(
            "something is missing after the comma",
            token.span,
        ));
    }
    Ok(())
}
